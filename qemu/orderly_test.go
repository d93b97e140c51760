package qemu

import (
	"encoding/json"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/orderly-init/orderly/qemu/debian"
	"github.com/orderly-init/orderly/qemu/guest"
	"github.com/orderly-init/orderly/qemu/image"
)

// system is a combination of kernel, Debian's programs and Orderly that the example boots on.
type system struct {
	name    string
	program string // GOARCH of Orderly
	arch    image.Arch
}

func systems() []system {
	return []system{
		{"arm64", "arm64", image.ARM64()},
		{"armv7 on an arm64 kernel", "arm", image.ARM64()},
		{"armv7", "arm", image.ARM()},
	}
}

// disks are the files of a guest's disks, for a look at them when it is off.
type disks struct{ root, data string }

// bootExample boots the example configuration on disks of its own.
func bootExample(t *testing.T, s system, words ...string) (machine, image.Set, disks) {
	t.Helper()
	set := example(t, s.program, s.arch)
	d := disks{root: t.TempDir() + "/root", data: t.TempDir() + "/data"}
	for from, to := range map[string]string{set.Root: d.root, set.Data: d.data} {
		if err := image.Copy(from, to); err != nil {
			t.Fatal(err)
		}
	}
	return d.boot(t, set, words...), set, d
}

// boot boots from the disks as they are.
func (d disks) boot(t *testing.T, set image.Set, words ...string) machine {
	t.Helper()
	o := set.Options()
	o.Disks = []guest.Disk{{File: d.root, Write: true}, {File: d.data, NVMe: true, Write: true}}
	o.Append = append(o.Append, words...)
	return boot(t, o)
}

// event is a line of the event stream.
type event struct {
	Seq                                       uint64
	Kind, Component, From, To, Target, Reason string
	Run                                       uint32
	TimeMS                                    float64 `json:"time_ms"`
}

// events are those after a number.
func (m machine) events(after string) []event {
	m.t.Helper()
	var all []event
	for line := range strings.Lines(m.run("orderly", "events", "--json", "--after", after)) {
		all = append(all, m.event(line))
	}
	return all
}

func (m machine) event(line string) event {
	m.t.Helper()
	var e event
	if err := json.Unmarshal([]byte(line), &e); err != nil {
		m.t.Fatalf("event %q: %v", line, err)
	}
	return e
}

// await follows the event stream, from its beginning, to an event.
func (m machine) await(what string, is func(event) bool) event {
	m.t.Helper()
	f, err := m.Follow("orderly", "events", "-f", "--json")
	if err != nil {
		m.t.Fatal(err)
	}
	defer f.Close()
	for late := time.Now().Add(long); ; {
		line, err := f.Line(time.Until(late))
		if err != nil {
			m.t.Fatalf("wait for %s: %v", what, err)
		}
		if e := m.event(line); is(e) {
			return e
		}
	}
}

// reaches waits until the machine has come up into a target. Orderly may not listen yet.
func (m machine) reaches(target string) {
	m.t.Helper()
	m.sh("until orderly status >/dev/null 2>&1; do sleep 0.1; done")
	m.await("target "+target, func(e event) bool {
		return e.Kind == "target" && e.Target == target && (e.To == "settled" || e.To == "degraded")
	})
}

// became are the components that came into a state, in the order in which they did.
func became(all []event, state string) []string {
	var names []string
	for _, e := range all {
		if e.Kind == "component" && e.To == state {
			names = append(names, e.Component)
		}
	}
	return names
}

// mustPrecede checks that a component was in a state before another one was in some state.
func mustPrecede(t *testing.T, all []event, first, state, second, then string) {
	t.Helper()
	at := func(name, state string) int {
		return slices.IndexFunc(all, func(e event) bool { return e.Component == name && e.To == state })
	}
	if i, j := at(first, state), at(second, then); i < 0 || j < 0 || i > j {
		t.Errorf("%s %s (event %d) does not precede %s %s (event %d)", first, state, i, second, then, j)
	}
}

// component is what `orderly status` says of one.
type component struct {
	Name, State string
	Health      string
	PID         int
	Run         uint32
	Restarts    int
}

func (m machine) component(name string) component {
	m.t.Helper()
	var s struct{ Components []component }
	text := m.run("orderly", "status", "--json")
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		m.t.Fatalf("status %q: %v", text, err)
	}
	i := slices.IndexFunc(s.Components, func(c component) bool { return c.Name == name })
	if i < 0 {
		m.t.Fatalf("status has no %s:\n%s", name, text)
	}
	return s.Components[i]
}

// clean checks that file systems were unmounted and are whole.
func (d disks) clean(t *testing.T) {
	t.Helper()
	cleanDisk(t, d.root, d.data)
}

func cleanDisk(t *testing.T, files ...string) {
	t.Helper()
	for _, disk := range files {
		if text, err := exec.Command(debian.Program("e2fsck"), "-f", "-n", disk).CombinedOutput(); err != nil {
			t.Errorf("check of the disk: %v\n%s", err, text)
		}
		text, err := exec.Command(debian.Program("dumpe2fs"), "-h", disk).CombinedOutput()
		if err != nil {
			t.Fatal(err)
		}
		// needs_recovery is a feature as long as the file system is mounted to be written
		if strings.Contains(string(text), "needs_recovery") || !strings.Contains(string(text), "clean\n") {
			t.Errorf("the file system was not unmounted:\n%s", text)
		}
	}
}
