package manager

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"hash/fnv"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/cgroups"
	"github.com/orderly-init/orderly/init/boot"
	"github.com/orderly-init/orderly/init/keeper"
	"github.com/orderly-init/orderly/init/logs"
	"github.com/orderly-init/orderly/init/poll"
	"github.com/orderly-init/orderly/runtime"
	"github.com/orderly-init/orderly/runtime/ready"
	"github.com/orderly-init/orderly/supervisor"
	"github.com/orderly-init/orderly/targets"
)

// How much the heap may grow between two collections, in percent of what lives (debug.SetGCPercent). While a machine comes up the time of
// a collection counts, later memory does: what lives is small.
const (
	bootGC   = 200
	steadyGC = 50
)

// Options are what a manager is started with: flags from the command line of `orderly run`, which the keeper passes
// on, and what the keeper says in the environment.
type Options struct {
	Config  []string // directories or files
	Target  string   // instead of initial_target
	Control string   // path of the control socket
	PID1    bool
	Booted  bool // the machine has been set up by an earlier manager
	Safe    bool // no decisions but stops (R19)
	Again   int  // managers before this one
	Version string
	slack   uintptr // see runtime.Host
}

// EnvNotes carries to a manager what the first moments of the boot found, a line each.
const EnvNotes = "ORDERLY_NOTES"

// Flags are the flags that `orderly run` and a manager share.
func Flags(o *Options) *flag.FlagSet {
	f := flag.NewFlagSet(keeper.ManagerName, flag.ContinueOnError)
	f.Func("config", "", func(s string) error { o.Config = append(o.Config, s); return nil })
	f.StringVar(&o.Target, "target", "", "")
	f.StringVar(&o.Control, "control", "", "")
	return f
}

// Absolute makes the paths independent of the working directory, which a manager does not share.
func (o *Options) Absolute() error {
	paths := []*string{&o.Control}
	for i := range o.Config {
		paths = append(paths, &o.Config[i])
	}
	for _, p := range paths {
		abs, err := filepath.Abs(*p)
		if err != nil {
			return err
		}
		*p = abs
	}
	return nil
}

// Arguments are the flags again, for the next process.
func (o *Options) Arguments() []string {
	var args []string
	for _, c := range o.Config {
		args = append(args, "--config", c)
	}
	if o.Target != "" {
		args = append(args, "--target", o.Target)
	}
	return append(args, "--control", o.Control)
}

// Main is the manager process. It returns its exit status. Components get the timer slack; 0 is that of ours.
func Main(args []string, version string, slack uintptr) int {
	var o Options
	if err := Flags(&o).Parse(args); err != nil {
		return 2
	}
	o.Version, o.slack = version, slack
	o.PID1, o.Booted, o.Safe = os.Getenv(keeper.EnvPID1) == "1", os.Getenv(keeper.EnvBooted) == "1", os.Getenv(keeper.EnvSafe) == "1"
	o.Again, _ = strconv.Atoi(os.Getenv(keeper.EnvAgain))
	if len(o.Config) == 0 {
		o.Config = targets.DefaultDirs()
	}
	growth := bootGC
	if o.Again > 0 {
		growth = steadyGC
	}
	debug.SetGCPercent(growth)
	m, err := open(o)
	if err != nil {
		fmt.Fprintf(os.Stderr, "orderly: %v\n", err)
		if m != nil && m.link != nil && o.Again == 0 && !o.PID1 {
			m.link.Send(keeper.Message{Kind: keeper.Finish, Value: keeper.FinishValue(uint8(supervisor.Exit), 1, false)})
		}
		return 1
	}
	return m.run()
}

// open makes the manager of a keeper's descriptors.
func open(o Options) (*Manager, error) {
	m := &Manager{Options: o, notes: strings.FieldsFunc(os.Getenv(EnvNotes), func(r rune) bool { return r == '\n' }), byName: map[string]*unit{}, byPID: map[int32]*process{}, forgone: map[int]bool{}, claims: claims{fds: map[uint64]int{}}, pipes: map[uint64]pipeEnds{}, console: 1}
	m.life, m.die = context.WithCancel(context.Background())
	for fd := keeper.LinkFD; fd <= keeper.SelfFD; fd++ {
		unix.CloseOnExec(fd)
	}
	m.link = keeper.NewLink(keeper.LinkFD)
	m.voice = newVoice(m.console)
	m.quiet = targets.Debug
	if o.PID1 && boot.ReadCommandLine().Quiet {
		m.quiet = targets.Warning
	}
	held, err := m.fetch()
	if err != nil {
		return m, fmt.Errorf("keeper: %w (the manager is started by Orderly, not by hand)", err)
	}
	m.recall(held.take(keeper.Remarks))
	for _, step := range []func() error{m.memory, m.kernel, func() error { return m.obtain(m.takeConfiguration(held)) }} {
		if err := step(); err != nil {
			return m, err
		}
	}
	m.resumeLocks(held)
	if err := m.lock(); err != nil {
		if !o.PID1 {
			return m, err
		}
		m.notes = append(m.notes, err.Error())
	}
	if m.groupless = m.groups(); m.groupless != nil {
		m.notes = append(m.notes, m.groupless.Error()+": a component is its process group and descendants")
	}
	if m.sink, err = logs.New(m.config.Log.Directory, m.config.Log.MaxSize); err != nil {
		return m, err
	}
	m.startNetworks()
	m.listener = held.take(keeper.Listener)
	if err := m.remember(held); err != nil {
		return m, err
	}
	return m, m.serve()
}

// memory maps what the keeper shares.
func (m *Manager) memory() error {
	var err error
	if m.ring, err = keeper.MapRing(keeper.RingFD); err != nil {
		return err
	}
	facts, err := keeper.Map(keeper.FactsFD)
	if err != nil {
		return fmt.Errorf("facts table: %w", err)
	}
	m.table, err = supervisor.OpenTable(facts)
	return err
}

// kernel opens the loop and what the kernel tells through it.
func (m *Manager) kernel() error {
	keeper.SetName(keeper.ManagerName)
	m.root = os.Geteuid() == 0
	if m.root {
		// a child that changes its ids before exec shares our memory, and would change this too; an ordinary user's
		// manager must stay readable to itself (prctl(2), PR_SET_DUMPABLE)
		unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0)
	}
	score, _ := os.ReadFile("/proc/self/oom_score_adj")
	m.shielded = len(score) > 0 && strings.TrimSpace(string(score)) != "0"
	m.path = os.Getenv("PATH")
	if m.path == "" {
		m.path = defaultPath
	}
	m.host = runtime.Probe()
	m.host.TimerSlack = m.slack
	var err error
	if m.loop, err = poll.New(); err != nil {
		return err
	}
	m.loop.Before = m.turn
	if m.paths, err = ready.NewPaths(); err != nil {
		m.notes = append(m.notes, err.Error()+": files that are waited for are looked at again and again")
	}
	m.watchMounts()
	m.sockets = ready.NewSockets()
	if err := unix.Pipe2(m.scratch[:], unix.O_CLOEXEC|unix.O_NONBLOCK); err != nil {
		return os.NewSyscallError("pipe2", err)
	}
	return errors.Join(
		m.loop.Add(keeper.LandFD, m.onLand),
		m.loop.Add(keeper.WakeFD, m.onExit),
		m.loop.Add(keeper.LinkFD, m.onLink),
		m.told(m.paths.FD, func() { m.paths.Changed() }),
	)
}

// groups opens the tree of our cgroups, and kills what an earlier Orderly on the same socket left in it when its
// keeper died (R19).
func (m *Manager) groups() error {
	place, err := cgroups.Hierarchy()
	if err != nil {
		return fmt.Errorf("no cgroups: %w", err)
	}
	path := filepath.Join(place.Own, fmt.Sprintf("orderly-%08x", m.instance()))
	if m.PID1 {
		path = filepath.Join(place.Mount, "orderly")
	}
	tree, err := place.Open(path)
	if err != nil {
		return fmt.Errorf("no cgroups: %w", err)
	}
	watch, err := cgroups.NewWatch(tree)
	if err != nil {
		m.notes = append(m.notes, err.Error()+": groups are looked at again and again, and limits that are reached are told of late or not at all")
	}
	m.tree, m.watch, m.place, m.below = tree, watch, place, place.Name(path)
	m.clear()
	m.prepareControllers()
	return m.told(watch.FD, m.onGroups)
}

// told has f called when the kernel tells something by inotify, where it has that.
func (m *Manager) told(fd int, f func()) error {
	if fd < 0 {
		return nil
	}
	return m.loop.Add(fd, f)
}

// instance tells Orderly on one control socket from one on another.
func (m *Manager) instance() uint32 {
	h := fnv.New32a()
	h.Write([]byte(m.Control))
	return h.Sum32()
}

// clear kills what is left in the tree: everything before the first manager, else the tools of a dead one, which
// are run again.
func (m *Manager) clear() {
	names, _ := m.tree.Names()
	names = slices.DeleteFunc(names, func(name string) bool { return m.Again > 0 && !strings.HasPrefix(name, toolPrefix) })
	for _, name := range names {
		m.tree.Kill(name)
	}
	end := time.Now().Add(mostEnding) // no start is to meet them: the kernel ends them when it comes to it
	for _, name := range names {
		yes, err := m.tree.Populated(name)
		for ; yes && err == nil && time.Now().Before(end); yes, err = m.tree.Populated(name) {
			time.Sleep(time.Millisecond)
		}
		if yes && err == nil {
			m.notes = append(m.notes, "processes that an earlier Orderly left in "+name+" cannot be killed")
		}
		m.clean(name, 0)
	}
}

// soonThreads is when threads are kept ready: not before the first components are started.
const soonThreads = 100 * time.Millisecond

// run brings the machine up where that has not been done, and loops until the end.
func (m *Manager) run() int {
	m.dog.up = m.Booted
	m.guard()
	if m.PID1 && !m.Booted {
		m.bringUp()
	} else {
		if m.PID1 {
			m.buttons()
		}
		if !m.PID1 && m.Again == 0 {
			m.notOurs()
		}
		m.distrust(m.begin)
	}
	m.link.Send(keeper.Message{Kind: keeper.Hello})
	m.guardSocket()
	m.in(soonThreads, func() { go keeper.MakeThreads() })
	m.loop.Run()
	m.close()
	return m.code
}

// close ends what belongs to the process. Logs come last: the end of everything else is in them.
func (m *Manager) close() {
	m.die()
	m.unserve()
	m.keep()
	m.work.Wait()
	m.networks.close()
	m.sink.Stop()
	m.voice.close()
	if m.tree != nil && m.end != supervisor.GoOn {
		m.cleanAll()
	}
	if m.end != supervisor.GoOn {
		m.link.Send(keeper.Message{Kind: keeper.Finish, Value: keeper.FinishValue(uint8(m.end), m.code, m.hurry)})
	}
}

// keep saves the random seed, that the machine ends in order, and a reboot that nobody asked for, where the configuration wants
// it; the keeper, which makes the last system calls, knows the usual place only.
func (m *Manager) keep() {
	if !m.PID1 || m.end == supervisor.GoOn {
		return
	}
	directory := m.config.StateDirectory
	m.bounded("last end", func() error { return boot.SaveEnd(directory, m.end.String(), m.endWhy) })
	m.bounded("record of reboots", m.countReboot)
	m.bounded("random seed", func() error { return boot.SaveSeed(directory) })
}

// begin asks for the initial target, where nothing else is going on.
func (m *Manager) begin() {
	asked := slices.ContainsFunc(m.pending, func(ev supervisor.Event) bool { _, ok := ev.(supervisor.Activate); return ok })
	if m.machine.Active() != supervisor.None || m.end != supervisor.GoOn || asked {
		return
	}
	name := m.Target
	if name == "" || m.rescued {
		name = m.config.InitialTarget
	}
	target, ok := m.config.Target(name)
	if !ok {
		text := "target " + name + " is not in the configuration; " + m.config.InitialTarget + " instead"
		m.remark(text)
		m.system(targets.Error, text)
		target, _ = m.config.Target(m.config.InitialTarget)
	}
	m.post(supervisor.Activate{Target: target})
}
