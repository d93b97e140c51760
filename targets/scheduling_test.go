package targets

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCPUs(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"0": "0", "0-3,5": "0-3,5", "5,0-1,1,2": "0-2,5", "1023": "1023", "7,7": "7", "1,3": "1,3", "0-0": "0",
	} {
		cpus, what, _ := parseCPUs(text)
		if got := CPUText(cpus); what != "" || got != want {
			t.Errorf("%s: got %q %s, want %q", text, got, what, want)
		}
	}
}

// A component's own policy or class decides whether a default priority is kept.
func TestSchedulingOverDefaults(t *testing.T) {
	t.Parallel()
	cfg, problems := Load([]Source{{Path: "a.toml", Data: []byte(`
[defaults.component.scheduling]
policy = "fifo"
priority = 10
io_class = "realtime"
io_priority = 2
nice = 3
[component.a]
command = ["/a"]
scheduling = { policy = "other", io_class = "idle" }
[component.b]
command = ["/b"]
scheduling = { policy = "rr", io_class = "best-effort", nice = -1 }
[component.c]
command = ["/c"]
scheduling = { priority = 20 }
[target.t]
`)}})
	if problems != nil {
		t.Fatal(problems)
	}
	three, less := 3, -1
	want := []Scheduling{
		{Policy: "other", IOClass: "idle", Nice: &three},
		{Policy: "rr", Priority: 10, IOClass: "best-effort", IOPriority: 2, Nice: &less},
		{Policy: "fifo", Priority: 20, IOClass: "realtime", IOPriority: 2, Nice: &three},
	}
	for i := range want {
		if diff := cmp.Diff(want[i], cfg.Components[i].Scheduling); diff != "" {
			t.Errorf("%s (-want +got):\n%s", cfg.Components[i].Name, diff)
		}
	}
}
