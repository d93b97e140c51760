package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/orderly-init/orderly/conformance/launch"
	"github.com/orderly-init/orderly/conformance/oracle"
	"github.com/orderly-init/orderly/control"
)

// references are daemons of one place that never had anything to do, by what is changed for them before they are started.
type references struct {
	mu sync.Mutex
	by map[string]*reference
}

// reference is what such a daemon holds.
type reference struct {
	once      sync.Once
	footprint oracle.Footprint
	err       error
}

// of is that for one way to start it.
func (all *references) of(how string) *reference {
	all.mu.Lock()
	defer all.mu.Unlock()
	if all.by[how] == nil {
		all.by[how] = &reference{}
	}
	return all.by[how]
}

// idle is a configuration of nothing, with a target that the daemon may be at as well.
func idle(log, target string) string {
	text := log + "[target.idle]\n"
	if target != "idle" {
		text += fmt.Sprintf("[target.%q]\n", target)
	}
	return "initial_target = \"idle\"\n" + text
}

// idles has the daemon go on with a configuration of nothing. It must become like one that never had another, and rest. BUSY is why it cannot.
func (d *started) idles(finds func(what string)) {
	if d.ts.Getenv("BUSY") != "" {
		return
	}
	wrong := d.restless()
	d.restore()
	if len(wrong) == 0 {
		return
	}
	select {
	case <-d.Ended: // the script has told it to
	case <-time.After(time.Until(d.patience())):
		for _, what := range wrong {
			finds(what)
		}
	}
}

func (d *started) restless() (wrong []string) {
	want, err := d.reference()
	if err == nil {
		err = d.empty()
	}
	if err != nil {
		return []string{"to idle: " + err.Error() + "\n" + contents(d.ts, "console")}
	}
	now := d.footprint()
	for end := d.patience(); want.Unlike(now) != "" && !d.HasEnded() && time.Now().Before(end); now = d.footprint() {
		time.Sleep(20 * time.Millisecond)
	}
	if diff := want.Unlike(now); diff != "" {
		wrong = append(wrong, "idle, but not as one that never did anything (-want +got):\n"+diff)
	}
	wrong = append(wrong, want.Outgrown(now)...)
	if n := d.seen(d.eyes.folders()).Woken(oracle.Calm, max(time.Until(d.patience()), oracle.Calm)); n > 0 {
		wrong = append(wrong, fmt.Sprintf("idle, and woken %d times in the last %v", n, oracle.Calm))
	}
	return wrong
}

// reference is what one holds that was started like this one.
func (d *started) reference() (oracle.Footprint, error) {
	r := d.ts.Value("daemons").(*daemons).like.of(d.ts.Getenv("MOUNTS") + "\n" + d.ts.Getenv("OWN_NETWORK"))
	r.once.Do(func() { r.footprint, r.err = d.another() })
	return r.footprint, r.err
}

// another is what another daemon holds, that has had one component only, which is gone: what is made at its first use is made then.
func (d *started) another() (f oracle.Footprint, err error) {
	dir := filepath.Join(d.ts.Getenv("WORK"), ".idle")
	if err := os.MkdirAll(filepath.Join(dir, "conf"), 0o755); err != nil {
		return f, err
	}
	defer os.RemoveAll(dir)
	write := func(more string) error {
		return os.WriteFile(filepath.Join(dir, "conf/o.toml"), []byte(idle(logOf(dir), "warming")+more), 0o644)
	}
	if err := write("depends_on = [\"warm\"]\n[component.warm]\ncommand = [\"sleep\", \"1000\"]\n"); err != nil {
		return f, err
	}
	l, err := begin(d.ts, dir, filepath.Join(dir, "run/control.sock"), nil)
	if err != nil {
		return f, err
	}
	defer l.End(launch.Patience)
	if !launch.Soon(func() bool { return l.found() && l.listens() }) {
		return f, fmt.Errorf("a daemon of nothing does not answer")
	}
	for _, args := range [][]string{{"activate", "warming"}, {"activate", "idle"}} {
		if err := l.orderly(args...); err != nil {
			return f, err
		}
	}
	if err := write(""); err != nil {
		return f, err
	}
	if err := l.orderly("apply"); err != nil {
		return f, err
	}
	if n := l.seen(nil).Woken(oracle.Calm, 3*launch.Patience); n > 0 {
		return f, fmt.Errorf("a daemon of nothing was woken %d times in the last %v", n, oracle.Calm)
	}
	return l.footprint(nil), nil
}

// orderly runs a command of the program.
func (l *launched) orderly(args ...string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 3*launch.Patience)
	defer cancel()
	c := exec.CommandContext(ctx, binary, args...)
	c.Env = []string{"ORDERLY_CONTROL=" + l.socket, "NO_COLOR=1"}
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("orderly %v: %w\n%s", args, err, out)
	}
	return nil
}

// empty replaces the script's configuration by one of nothing. A trial that is left open is over by that.
func (d *started) empty() error {
	target, err := d.target()
	if err != nil {
		return err
	}
	conf := filepath.Join(d.dir, "conf")
	if err := os.Rename(conf, conf+".kept"); err != nil {
		return err
	}
	if err := os.Mkdir(conf, 0o755); err != nil {
		return err
	}
	d.orderly("confirm") // fails where nothing waits for it
	if err := d.goOn(target); err != nil {
		return err
	}
	if err := d.orderly("activate", "idle"); err != nil {
		return err
	}
	return d.goOn("idle")
}

// target is what it is at.
func (d *started) target() (string, error) {
	c, err := control.Dial(d.socket)
	if err != nil {
		return "", err
	}
	defer c.Close()
	var reply control.StatusReply
	err = c.Call("GetStatus", control.NameParam{}, &reply)
	return reply.Status.Target, err
}

// goOn has it go on with a configuration of nothing, at a target.
func (d *started) goOn(target string) error {
	if err := os.WriteFile(filepath.Join(d.dir, "conf/o.toml"), []byte(idle(logOf(d.dir), target)), 0o644); err != nil {
		return err
	}
	return d.orderly("apply")
}

// restore gives the script its configuration back.
func (d *started) restore() {
	conf := filepath.Join(d.dir, "conf")
	if _, err := os.Stat(conf + ".kept"); err == nil {
		os.RemoveAll(conf)
		os.Rename(conf+".kept", conf)
	}
}

// seen is the daemon, for the oracles.
func (l *launched) seen(groups []string) oracle.Daemon {
	return oracle.Daemon{
		Proc: l.Proc, Keeper: l.Inside(), Work: []string{l.dir, l.ts.Getenv("WORK")}, Dir: filepath.Dir(l.socket), Socket: l.socket, Groups: groups,
		Config:  configuration(filepath.Join(l.dir, "conf.kept")),
		Mounted: func(place string) bool { return strings.HasPrefix(place, l.dir+"/") },
	}
}

func (l *launched) footprint(groups []string) oracle.Footprint {
	f := l.seen(groups).Footprint()
	f.Descriptors = slices.DeleteFunc(f.Descriptors, func(to string) bool { return strings.HasSuffix(to, "/lock") }) // of a state directory: it is locked until the end
	slices.Sort(f.Descriptors)
	return f
}

// footprint is without what was mounted before.
func (d *started) footprint() oracle.Footprint {
	f := d.launched.footprint(d.eyes.folders())
	f.Mounts = slices.DeleteFunc(f.Mounts, func(place string) bool { return slices.Contains(d.mounts, place) })
	if len(f.Mounts) == 0 {
		f.Mounts = nil
	}
	return f
}
