package cgroups

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/containerd/cgroups/v3/cgroup2"
	"github.com/containerd/cgroups/v3/cgroup2/stats"
	gocmp "github.com/google/go-cmp/cmp"
)

// The module that containerd limits its containers with is the oracle: what it would write, and what it reads, is what we do. It is
// linked into the tests alone, see docs/architecture.md.

// theirs are the settings of the oracle, in the order of their files. It has no names for the fields of a Value.
func theirs(r *cgroup2.Resources) []string {
	var all []string
	for _, v := range r.Values() {
		all = append(all, strings.Trim(fmt.Sprint(v), "{}"))
	}
	slices.Sort(all)
	return all
}

// ours are our settings in the same form: its io.max has a line for each rate, and names none that is not limited.
func ours(l *Limits) []string {
	var all []string
	for _, s := range l.Settings() {
		if s.File != "io.max" {
			all = append(all, s.File+" "+s.Value)
			continue
		}
		f := strings.Fields(s.Value)
		for _, rate := range f[1:] {
			if !strings.HasSuffix(rate, "=max") {
				all = append(all, s.File+" "+f[0]+" "+rate)
			}
		}
	}
	slices.Sort(all)
	return all
}

func TestOracleOfLimits(t *testing.T) {
	t.Parallel()
	yes, weight := true, uint64(300)
	quota, period := int64(150_000), uint64(100_000)
	for name, row := range map[string]struct {
		ours   Limits
		theirs cgroup2.Resources
	}{
		"nothing": {Limits{}, cgroup2.Resources{}},
		"memory": {
			Limits{MemoryMin: of(1 << 20), MemoryLow: of(2 << 20), MemoryHigh: of(3 << 20), MemoryMax: of(4 << 20), SwapMax: of(0), OOMGroup: true},
			cgroup2.Resources{Memory: &cgroup2.Memory{
				Min: of(1 << 20), Low: of(2 << 20), High: of(3 << 20), Max: of(4 << 20), Swap: of(0), OOMGroup: &yes,
			}},
		},
		"cpu": {
			Limits{CPUMax: &CPUMax{150 * time.Millisecond, 100 * time.Millisecond}, CPUWeight: 300, CPUs: []int{0, 1, 3}, Mems: []int{0}},
			cgroup2.Resources{CPU: &cgroup2.CPU{Max: cgroup2.NewCPUMax(&quota, &period), Weight: &weight, Cpus: "0,1,3", Mems: "0"}},
		},
		"pids": {Limits{PidsMax: of(64)}, cgroup2.Resources{Pids: &cgroup2.Pids{Max: 64}}},
		"io": {
			Limits{IOMax: []IOMax{{Device: "8:0", ReadBytes: 1, WriteBytes: 2, Reads: 3, Writes: 4}, {Device: "254:16", WriteBytes: 1 << 40}}},
			cgroup2.Resources{IO: &cgroup2.IO{Max: []cgroup2.Entry{
				{Type: cgroup2.ReadBPS, Major: 8, Rate: 1}, {Type: cgroup2.WriteBPS, Major: 8, Rate: 2},
				{Type: cgroup2.ReadIOPS, Major: 8, Rate: 3}, {Type: cgroup2.WriteIOPS, Major: 8, Rate: 4},
				{Type: cgroup2.WriteBPS, Major: 254, Minor: 16, Rate: 1 << 40},
			}}},
		},
	} {
		if d := gocmp.Diff(theirs(&row.theirs), ours(&row.ours)); d != "" {
			t.Errorf("%s: theirs against ours: %s", name, d)
		}
		mine, its := row.ours.Controllers(), row.theirs.EnabledControllers()
		slices.Sort(its)
		if !slices.Equal(mine, its) {
			t.Errorf("%s: controllers %v, theirs %v", name, mine, its)
		}
	}
	// its weight of disks is that of the BFQ scheduler alone, which is what we fall back to
	l := Limits{IOWeight: 10000}
	bfq, _ := l.Settings()[0].instead()
	r := cgroup2.Resources{IO: &cgroup2.IO{BFQ: cgroup2.BFQ{Weight: 1000}}}
	if got, want := bfq.File+" "+bfq.Value, theirs(&r)[0]; got != want {
		t.Errorf("weight: %s, theirs %s", got, want)
	}
}

// TestOracleOfStatistics: on the same files the oracle reads what we read.
func TestOracleOfStatistics(t *testing.T) {
	t.Parallel()
	files := statFiles()
	// what it cannot do without
	for file, text := range map[string]string{"memory.stat": "anon 1\n", "memory.max": "max\n", "memory.swap.max": "max\n"} {
		files["own/orderly/svc/"+file] = text
	}
	tr := fake(t, files)
	m, err := cgroup2.Load("/own/orderly/svc", cgroup2.WithMountpoint(tr.mount))
	if err != nil {
		t.Fatal(err)
	}
	its, err := m.Stat()
	if err != nil {
		t.Fatal(err)
	}
	if d := gocmp.Diff(statOf(its), tr.Stat("svc")); d != "" {
		t.Errorf("theirs against ours: %s", d)
	}
}

// statOf is what the oracle has read, in our words. It knows neither memory.swap.peak nor pids.peak and pids.events.
func statOf(m *stats.Metrics) Stat {
	us := func(n uint64) time.Duration { return time.Duration(n) * time.Microsecond }
	e := m.MemoryEvents
	s := Stat{
		CPU: CPUStat{
			Usage: us(m.CPU.UsageUsec), User: us(m.CPU.UserUsec), System: us(m.CPU.SystemUsec),
			Periods: int64(m.CPU.NrPeriods), Throttled: int64(m.CPU.NrThrottled), ThrottledTime: us(m.CPU.ThrottledUsec),
		},
		Memory: &MemoryStat{
			Current: int64(m.Memory.Usage), Peak: int64(m.Memory.MaxUsage), Swap: int64(m.Memory.SwapUsage), SwapPeak: 13,
			Events: Events{int64(e.Low), int64(e.High), int64(e.Max), int64(e.Oom), int64(e.OomKill), int64(e.OomGroupKill)},
		},
		Pids:     &PidsStat{Current: int64(m.Pids.Current), Peak: 5, Refused: 9},
		Pressure: PressureStat{CPU: pressureOf(m.CPU.PSI), Memory: pressureOf(m.Memory.PSI), IO: pressureOf(m.Io.PSI)},
	}
	for _, d := range m.Io.Usage {
		if d.Rbytes+d.Wbytes+d.Rios+d.Wios == 0 {
			continue // a device that others have used
		}
		s.IO = append(s.IO, IOStat{fmt.Sprintf("%d:%d", d.Major, d.Minor), int64(d.Rbytes), int64(d.Wbytes), int64(d.Rios), int64(d.Wios)})
	}
	slices.SortFunc(s.IO, func(a, b IOStat) int { return cmp.Compare(a.Device, b.Device) })
	return s
}

func pressureOf(p *stats.PSIStats) *Pressure {
	stall := func(d *stats.PSIData) Stall {
		if d == nil {
			return Stall{}
		}
		return Stall{d.Avg10, d.Avg60, d.Avg300, time.Duration(d.Total) * time.Microsecond}
	}
	if p == nil {
		return nil
	}
	return &Pressure{Some: stall(p.Some), Full: stall(p.Full)}
}

// TestOracleInTheKernel: of a group with processes both count the same.
func TestOracleInTheKernel(t *testing.T) {
	tr := tree(t)
	sleeper(t, tr, "svc")
	name := filepath.Join(strings.TrimPrefix(tr.Path, tr.mount), "svc")
	m, err := cgroup2.Load(name, cgroup2.WithMountpoint(tr.mount))
	if err != nil {
		t.Fatal(err)
	}
	its, err := m.StatFiltered(cgroup2.StatCPU)
	if err != nil {
		t.Fatal(err)
	}
	// the processes sleep by now or soon: what is read later is not less
	if got := tr.Stat("svc").CPU.Usage; got < time.Duration(its.CPU.UsageUsec)*time.Microsecond || got == 0 {
		t.Errorf("%v, theirs before that %d µs", got, its.CPU.UsageUsec)
	}
	pids, err := m.Procs(false)
	if err != nil {
		t.Fatal(err)
	}
	mine, err := tr.Processes("svc")
	if err != nil || len(mine) != len(pids) || len(mine) != 2 || !slices.Contains(mine, int(pids[0])) {
		t.Errorf("%v, %v; theirs %v", mine, err, pids)
	}
	w, err := NewWatch(tr)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if err := w.Add("svc"); err != nil {
		t.Fatal(err)
	}
	if err := m.Kill(); err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	awaitEmpty(t, tr, w)
}
