package cgroups

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func of(n int64) *int64 { return &n }

func TestSettings(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name        string
		limits      Limits
		want        string // of File=Value, one after the other
		controllers string
	}{
		{"nothing", Limits{}, "", ""},
		{"memory", Limits{MemoryMin: of(1), MemoryLow: of(2), MemoryHigh: of(3), MemoryMax: of(4), SwapMax: of(0), OOMGroup: true},
			"memory.min=1;memory.low=2;memory.high=3;memory.swap.max=0;memory.max=4;memory.oom.group=1", "memory"},
		{"unlimited", Limits{MemoryMax: of(Unlimited), PidsMax: of(Unlimited), CPUMax: &CPUMax{Unlimited, 50 * time.Millisecond}},
			"", ""},
		{"cpu", Limits{CPUMax: &CPUMax{150 * time.Millisecond, 100 * time.Millisecond}, CPUWeight: 7, CPUs: []int{0, 2}, Mems: []int{0}},
			"cpu.max=150000 100000;cpu.weight=7;cpuset.mems=0;cpuset.cpus=0,2", "cpu cpuset"},
		{"io", Limits{IOWeight: 9, IOMax: []IOMax{{Device: "8:0", ReadBytes: 5}, {Device: "8:16", WriteBytes: 6, Reads: 7, Writes: 8}}},
			"io.max=8:0 rbps=5 wbps=max riops=max wiops=max;io.max=8:16 rbps=max wbps=6 riops=7 wiops=8;io.weight=9", "io"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			if d := cmp.Diff(row.want, shown(row.limits.Settings())); d != "" {
				t.Error(d)
			}
			if d := cmp.Diff(row.controllers, strings.Join(row.limits.Controllers(), " ")); d != "" {
				t.Error(d)
			}
		})
	}
}

func shown(all []Setting) string {
	var texts []string
	for _, s := range all {
		texts = append(texts, s.File+"="+s.Value)
	}
	return strings.Join(texts, ";")
}

func TestChange(t *testing.T) {
	t.Parallel()
	full := Limits{
		MemoryMin: of(1), MemoryMax: of(4), SwapMax: of(0), OOMGroup: true, CPUMax: &CPUMax{time.Second, time.Second}, CPUWeight: 7,
		CPUs: []int{0}, PidsMax: of(5), IOWeight: 9, IOMax: []IOMax{{Device: "8:0", ReadBytes: 5}, {Device: "8:16", Reads: 5}},
	}
	other := full
	other.MemoryMax, other.OOMGroup, other.IOMax = of(9), false, []IOMax{{Device: "8:16", Reads: 5}, {Device: "8:0", ReadBytes: 6}}
	for name, row := range map[string]struct {
		from, to Limits
		want     string
	}{
		"none":    {full, full, ""},
		"changed": {full, other, "memory.oom.group=0;memory.max=9;io.max=8:0 rbps=6 wbps=max riops=max wiops=max"},
		"all taken back": {full, Limits{}, "memory.min=0;memory.swap.max=max;memory.max=max;memory.oom.group=0;cpu.max=max 100000;cpu.weight=100;" +
			"cpuset.cpus=\n;pids.max=max;io.max=8:0 rbps=max wbps=max riops=max wiops=max;io.max=8:16 rbps=max wbps=max riops=max wiops=max;io.weight=100"},
	} {
		if d := cmp.Diff(row.want, shown(row.to.Change(&row.from))); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
}

func TestInstead(t *testing.T) {
	t.Parallel()
	for weight, want := range map[string]string{"1": "1", "100": "100", "10000": "1000", "5050": "550"} {
		if got, ok := (Setting{"io.weight", weight}).instead(); !ok || got != (Setting{"io.bfq.weight", want}) {
			t.Errorf("%s: %v, %v; want %s", weight, got, ok, want)
		}
	}
	if got, ok := (Setting{"cpu.weight", "5"}).instead(); ok {
		t.Errorf("cpu.weight: %v", got)
	}
}

func TestWhyAControllerIsAbsent(t *testing.T) {
	t.Parallel()
	const table = "#subsys_name\thierarchy\tnum_cgroups\tenabled\nmemory\t4\t9\t1\npids\t0\t1\t0\nblkio\t7\t2\t1\ncpu\t0\t2\t1\n"
	for controller, want := range map[string]string{
		"memory": "in use by cgroup v1", "pids": "disabled on the kernel command line", "io": "in use by cgroup v1",
		"cpu": "this system has none for cgroup v2", "cpuset": "this system has none for cgroup v2",
	} {
		if got := why(controller, table); got != want {
			t.Errorf("%s: %s, want %s", controller, got, want)
		}
	}
}

// fake is a tree in ordinary directories: what the files say is what is read.
func fake(t *testing.T, files map[string]string) *Tree {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	tr, err := Place{Mount: dir}.Open(filepath.Join(dir, "own/orderly"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tr.Close() })
	return tr
}

func TestEnableOnlyWhatIsNeeded(t *testing.T) {
	t.Parallel()
	tr := fake(t, map[string]string{
		"cgroup.controllers": "cpu io memory pids\n", "own/cgroup.controllers": "cpu memory\n", "own/cgroup.subtree_control": "memory\n",
		"own/orderly/cgroup.controllers": "memory\n", "own/orderly/cgroup.subtree_control": "",
	})
	if err := tr.Enable([]string{"memory"}); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{"own": "memory\n", "own/orderly": "+memory"} {
		got, _ := os.ReadFile(filepath.Join(tr.mount, file, "cgroup.subtree_control"))
		if string(got) != want {
			t.Errorf("%s: %q, want %q", file, got, want)
		}
	}
	err := tr.Enable([]string{"memory", "pids", "io"})
	want := "controller pids: not delegated to " + tr.mount + "/own\ncontroller io: not delegated to " + tr.mount + "/own"
	if err == nil || err.Error() != want {
		t.Errorf("%v; want %s", err, want)
	}
}

// TestSetGoesOn: what fails is named with its file and its group, and what does not is written all the same.
func TestSetGoesOn(t *testing.T) {
	t.Parallel()
	tr := fake(t, map[string]string{"own/orderly/svc/memory.max": "", "own/orderly/svc/io.bfq.weight": ""})
	l := Limits{MemoryHigh: of(3), MemoryMax: of(4), IOWeight: 10000}
	err := tr.Set("svc", l.Settings())
	if err == nil || err.Error() != "write memory.high of svc: the kernel does not have it" {
		t.Errorf("%v", err)
	}
	for file, want := range map[string]string{"memory.max": "4", "io.bfq.weight": "1000"} {
		got, _ := os.ReadFile(filepath.Join(tr.Path, "svc", file))
		if string(got) != want {
			t.Errorf("%s: %q, want %q", file, got, want)
		}
	}
}

func TestPlaces(t *testing.T) {
	t.Parallel()
	for _, p := range []struct {
		place     Place
		dir, name string
	}{
		{Place{Mount: "/sys/fs/cgroup", Root: "/"}, "/sys/fs/cgroup/a/b", "/a/b"},
		{Place{Mount: "/sys/fs/cgroup", Root: "/"}, "/sys/fs/cgroup", "/"},
		{Place{Mount: "/cg", Root: "/docker/x"}, "/cg/a", "/docker/x/a"},
		{Place{Mount: "/cg", Root: "/docker/x"}, "/cg", "/docker/x"},
	} {
		if got := p.place.Name(p.dir); got != p.name {
			t.Errorf("name of %s: %s, want %s", p.dir, got, p.name)
		}
		if got := p.place.Dir(p.name); got != p.dir {
			t.Errorf("directory of %s: %s, want %s", p.name, got, p.dir)
		}
	}
	if below("/docker/x", "/docker/xy") || !below("/docker/x", "/docker/x/y") || !below("/", "/a") {
		t.Error("below")
	}
}
