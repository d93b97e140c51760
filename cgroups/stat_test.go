package cgroups

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// statFiles are those of a group as Linux 6.12 writes them.
func statFiles() map[string]string {
	const dir = "own/orderly/svc/"
	return map[string]string{
		dir + "memory.current": "4096\n", dir + "memory.peak": "8192\n", dir + "memory.swap.current": "12\n", dir + "memory.swap.peak": "13\n",
		dir + "memory.events": "low 1\nhigh 2\nmax 3\noom 4\noom_kill 5\noom_group_kill 6\n",
		dir + "cpu.stat":      "usage_usec 10\nuser_usec 6\nsystem_usec 4\nnice_usec 0\nnr_periods 7\nnr_throttled 8\nthrottled_usec 9\nnr_bursts 0\nburst_usec 0\n",
		dir + "io.stat":       "8:0 rbytes=90 wbytes=12 rios=3 wios=1 dbytes=0 dios=0\n7:0 \n8:16 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=0 dios=0\n",
		dir + "pids.current":  "3\n", dir + "pids.peak": "5\n", dir + "pids.max": "32\n", dir + "pids.events": "max 9\n",
		dir + "memory.pressure": "some avg10=1.50 avg60=2.25 avg300=3.00 total=4000\nfull avg10=0.50 avg60=0.25 avg300=0.00 total=1000\n",
		dir + "cpu.pressure":    "some avg10=100.00 avg60=0.00 avg300=0.00 total=1\n",
		dir + "io.pressure":     "some avg10=0.00 avg60=0.00 avg300=0.00 total=0\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n",
	}
}

func TestStat(t *testing.T) {
	t.Parallel()
	tr := fake(t, statFiles())
	want := Stat{
		Memory: &MemoryStat{Current: 4096, Peak: 8192, Swap: 12, SwapPeak: 13, Events: Events{1, 2, 3, 4, 5, 6}},
		CPU: CPUStat{
			Usage: 10 * time.Microsecond, User: 6 * time.Microsecond, System: 4 * time.Microsecond,
			Periods: 7, Throttled: 8, ThrottledTime: 9 * time.Microsecond,
		},
		IO:   []IOStat{{"8:0", 90, 12, 3, 1}, {"8:16", 1, 2, 3, 4}},
		Pids: &PidsStat{3, 5, 9},
		Pressure: PressureStat{
			CPU:    &Pressure{Some: Stall{100, 0, 0, time.Microsecond}},
			Memory: &Pressure{Stall{1.5, 2.25, 3, 4 * time.Millisecond}, Stall{0.5, 0.25, 0, time.Millisecond}},
			IO:     &Pressure{},
		},
	}
	if d := cmp.Diff(want, tr.Stat("svc")); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(Stat{}, tr.Stat("none")); d != "" {
		t.Error(d)
	}
}

func TestTriggerText(t *testing.T) {
	t.Parallel()
	for want, p := range map[string]Trigger{
		"some 150000 1000000":  {"memory", false, 150 * time.Millisecond, time.Second},
		"full 1000000 2000000": {"io", true, time.Second, 2 * time.Second},
	} {
		if got := p.String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func FuzzStat(f *testing.F) {
	for _, text := range statFiles() {
		f.Add(text)
	}
	f.Add("usage_usec 99999999999999999999\nusage_usec -1\nsome avg10=NaN total=9223372036854775807")
	f.Fuzz(func(t *testing.T, text string) {
		if c := parseCPU(text); c.Usage < 0 || c.ThrottledTime < 0 || c.Periods < 0 {
			t.Errorf("%+v", c)
		}
		if p := parsePressure(text); !(p.Some.Avg10 >= 0 && p.Full.Avg300 <= 100) || p.Some.Total < 0 {
			t.Errorf("%+v", p)
		}
		parseEvents(text)
		for _, d := range parseDevices(text) {
			if d.Device == "" {
				t.Error("a device without a name")
			}
		}
	})
}
