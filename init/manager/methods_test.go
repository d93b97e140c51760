package manager

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/control"
	"github.com/orderly-init/orderly/init/journal"
	"github.com/orderly-init/orderly/init/keeper"
	"github.com/orderly-init/orderly/init/logs"
	"github.com/orderly-init/orderly/init/poll"
	"github.com/orderly-init/orderly/supervisor"
	"github.com/orderly-init/orderly/targets"
)

// validCalls is a valid call of every method.
var validCalls = map[string]string{
	"GetStatus": `{"name":"fuzzed-a"}`,
	"GetUsage":  `{}`,
	"Show":      `{"name":"fuzzed-box"}`,
	"List":      `{}`,
	"Wait":      `{"names":["fuzzed-a","fuzzed-all"],"state":"failed","timeout_ms":1.5}`,
	"Plan":      `{"target":"fuzzed-other"}`,
	"Why":       `{"name":"fuzzed-b"}`,
	"Graph":     `{"target":"fuzzed-all"}`,
	"Log":       `{"name":"fuzzed-a","lines":3,"since_ms":1764273000000,"follow":true}`,
	"Events":    `{"after":1,"follow":true}`,
	"History":   `{"name":"fuzzed-a"}`,
	"Activate":  `{"target":"fuzzed-other","queue":true,"stop_first":true,"no_wait":false}`,
	"Start":     `{"names":["fuzzed-a","fuzzed-other"],"debug":true,"hold":true}`,
	"Stop":      `{"names":["fuzzed-b"]}`,
	"Restart":   `{"names":["fuzzed-all"]}`,
	"Reload":    `{"names":["fuzzed-a"]}`,
	"Adopt":     `{"name":"fuzzed-b","pid":1}`,
	"Release":   `{"names":["fuzzed-a"]}`,
	"Enter":     `{"name":"fuzzed-box"}`,
	"Apply":     `{"confirm_ms":1000}`,
	"Confirm":   `{}`,
	"Upgrade":   `{"binary":"/dev/null"}`,
	"End":       `{"how":"exit","now":true}`,
}

// asking is a manager whose machine steps and whose effects nobody carries out.
type asking struct {
	*Manager
	far  int
	over chan struct{}
}

// place is what managers of tests share.
type place struct {
	conf    string
	sink    *logs.Sink
	journal *journal.Journal
	voice   *voice
}

func makePlace(t testing.TB) *place {
	t.Helper()
	dir := t.TempDir()
	text := `initial_target = "fuzzed-all"
[log]
directory = "` + filepath.Join(dir, "log") + `"
[component.fuzzed-a]
command = ["true"]
reload_signal = "HUP"
[component.fuzzed-b]
command = ["true"]
depends_on = ["fuzzed-a"]
[component.fuzzed-box]
command = ["true"]
container = { rootfs = "/nowhere", namespaces = ["user", "mount"] }
[target.fuzzed-all]
depends_on = ["fuzzed-a"]
wants = ["fuzzed-b"]
[target.fuzzed-other]
depends_on = ["fuzzed-box"]
`
	p := &place{conf: filepath.Join(dir, "o.toml")}
	err := os.WriteFile(p.conf, []byte(text), 0o600)
	if err == nil {
		p.sink, err = logs.New(filepath.Join(dir, "log"), 1<<20)
	}
	if err == nil {
		p.journal, err = journal.Open(make([]byte, journal.Size))
	}
	if err != nil {
		t.Fatal(err)
	}
	null, err := unix.Open("/dev/null", unix.O_WRONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	p.voice = newVoice(null)
	t.Cleanup(func() { p.sink.Stop(); p.voice.close(); unix.Close(null) })
	return p
}

// ask makes a manager and runs its loop.
func (p *place) ask(t *testing.T) *asking {
	t.Helper()
	a := &asking{over: make(chan struct{}), Manager: &Manager{
		Options: Options{Config: []string{p.conf}}, byName: map[string]*unit{}, byPID: map[int32]*process{}, forgone: map[int]bool{},
		claims: claims{fds: map[uint64]int{}}, pipes: map[uint64]pipeEnds{}, sink: p.sink, journal: p.journal, voice: p.voice,
	}}
	a.life, a.die = context.WithCancel(context.Background())
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	a.link, a.far = keeper.NewLink(pair[0]), pair[1]
	if a.loop, err = poll.New(); err != nil {
		t.Fatal(err)
	}
	config, sources, problems := a.read()
	if problems.Fatal() {
		t.Fatal(problems[0])
	}
	if a.table, err = supervisor.OpenTable(make([]byte, supervisor.TableSize(64))); err != nil {
		t.Fatal(err)
	}
	a.config, a.sources, a.machine = config, sources, supervisor.New(targets.NewGraph(config))
	a.know()
	a.loop.Before = func() (time.Duration, bool) { return a.step(t) }
	go func() { defer close(a.over); a.loop.Run() }()
	return a
}

// step steps everything that is pending.
func (a *asking) step(t *testing.T) (time.Duration, bool) {
	for len(a.pending) > 0 || len(a.applies) > 0 || len(a.stored) > 0 {
		for i := 0; i < len(a.pending); i++ {
			for _, e := range a.machine.Step(poll.Now(), a.pending[i]) {
				switch e := e.(type) {
				case supervisor.Bug:
					t.Error(e.Text)
				case supervisor.Answer:
					a.callers.answer(e)
				case supervisor.Renumbered:
					a.renumber(e)
				}
			}
		}
		a.pending = a.pending[:0]
		if err := a.machine.Store(a.table); err != nil {
			t.Error(err)
		}
		if len(a.applies) > 0 {
			a.next, a.applies = &a.applies[0], a.applies[1:]
			a.post(supervisor.Apply{Request: a.next.request, Graph: targets.NewGraph(a.next.config), Version: a.keepNext()})
		}
		stored := a.stored
		a.stored = nil
		for _, f := range stored {
			f()
		}
	}
	return 0, false
}

func (a *asking) end() {
	a.loop.Post(a.loop.Stop)
	<-a.over
	a.die()
	a.work.Wait()
	a.link.Close()
	unix.Close(a.far)
}

// serves makes one call of a client that is gone at once, and returns what it would have been told.
func (p *place) serves(t *testing.T, method string, params []byte) error {
	t.Helper()
	a := p.ask(t)
	defer a.end()
	gone, cancel := context.WithCancel(context.Background())
	cancel()
	told := func(v any) error {
		if _, err := json.Marshal(v); err != nil {
			t.Errorf("%s: %v", method, err)
		}
		return nil
	}
	reply, err := a.methods()[method].Serve(gone, control.Call{MayChange: true, More: true, Parameters: params, Send: told})
	if err == nil {
		return told(reply)
	}
	if err.Error() == "" {
		t.Errorf("%s: an error without a word", method)
	}
	a.loop.Call(func() {}) // what was asked for has been posted
	a.loop.Call(func() {}) // and has been stepped
	return err
}

// TestCalls: every method is in validCalls, and takes its call.
func TestCalls(t *testing.T) {
	t.Parallel()
	p := makePlace(t)
	names := slices.Sorted(maps.Keys((&Manager{}).methods()))
	if want := slices.Sorted(maps.Keys(validCalls)); !slices.Equal(names, want) {
		t.Errorf("methods %v, calls %v", names, want)
	}
	for _, name := range names {
		err := p.serves(t, name, []byte(validCalls[name]))
		var e *control.Error
		if errors.As(err, &e) && e.Name == "org.varlink.service.InvalidParameter" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestDuration: what a client says is a time on every processor the same.
func TestDuration(t *testing.T) {
	t.Parallel()
	for ms, want := range map[float64]time.Duration{
		0: 0, 1.5: 1500 * time.Microsecond, -2: -2 * time.Millisecond, 1e300: 876000 * time.Hour, -1e300: -876000 * time.Hour,
	} {
		if got := duration(ms); got != want {
			t.Errorf("%v ms are %v, want %v", ms, got, want)
		}
	}
}

// FuzzCall: whatever the parameters of a method are, it ends with a reply that can be sent or an error, and makes of them nothing
// that the machine calls a bug.
func FuzzCall(f *testing.F) {
	p := makePlace(f)
	names := slices.Sorted(maps.Keys((&Manager{}).methods()))
	for i, name := range names {
		f.Add(uint8(i), []byte(validCalls[name]))
	}
	f.Fuzz(func(t *testing.T, n uint8, params []byte) { p.serves(t, names[int(n)%len(names)], params) })
}
