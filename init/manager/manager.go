package manager

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/orderly-init/orderly/cgroups"
	"github.com/orderly-init/orderly/control"
	"github.com/orderly-init/orderly/init/journal"
	"github.com/orderly-init/orderly/init/keeper"
	"github.com/orderly-init/orderly/init/logs"
	"github.com/orderly-init/orderly/init/poll"
	"github.com/orderly-init/orderly/runtime"
	"github.com/orderly-init/orderly/runtime/container"
	"github.com/orderly-init/orderly/runtime/oci"
	"github.com/orderly-init/orderly/runtime/ready"
	"github.com/orderly-init/orderly/supervisor"
	"github.com/orderly-init/orderly/targets"
)

// Manager is the state of the process. All of it belongs to the loop's goroutine.
type Manager struct {
	Options
	loop  *poll.Loop
	link  *keeper.Link
	ring  *keeper.Ring
	table *supervisor.Table

	config  *targets.Config
	sources []targets.Source
	machine *supervisor.Machine
	units   []*unit // by number in the machine
	byName  map[string]*unit
	byPID   map[int32]*process

	now       time.Duration // of the step whose effects are carried out; 0 is between steps
	pending   []supervisor.Event
	applies   []swap   // configurations to be applied, each when nothing else is pending: numbers change
	stored    []func() // to be done when the present events have been stored
	queue     []supervisor.Launch
	flight    []*process
	spare     []*runtime.Program
	filters   filters // of system calls
	probing   []*unit
	looking   []int // whose heartbeats are looked at in a round
	beats     []byte
	chores    []*chore
	hookCount int // of this manager's
	deserted  []*unit
	lingering []*unit // without cgroups: main process ended, others live
	seen      uint64  // newest exit that has become an event
	alone     bool    // the keeper is gone
	unsaid    *chore  // looks once more at the exit that waits for what has been said; nil where none does

	forgone   map[int]bool        // without cgroups: processes that were let go
	networks  *networks           // of containers
	pipes     map[uint64]pipeEnds // between components, by the hash of their names
	host      runtime.Host
	survey    *container.Machine // nil until there is a container
	schema    *oci.Schema        // nil until there is a bundle
	root      bool
	shielded  bool   // from the killer for want of memory, which no component may inherit
	path      string // PATH of components
	console   int
	quiet     targets.Level // of the kernel command line: the console shows no less than this
	tree      *cgroups.Tree
	place     cgroups.Place
	groupless error  // why there are no cgroups
	below     string // of the tree, as /proc/PID/cgroup names it
	watch     *cgroups.Watch
	paths     *ready.Paths
	sockets   *ready.Sockets
	scratch   [2]int // a pipe to look into others with

	sink    *logs.Sink
	journal *journal.Journal
	voice   *voice

	callers  callers
	server   *control.Server
	accept   *net.UnixListener
	allowed  atomic.Pointer[func(control.Peer, control.Access) bool]
	socket   *ready.Path     // of the control socket, whose end is waited for
	bound    ready.Mark      // what it was when it was bound
	locked   int             // descriptor of the lock on the control socket; 0 is none
	claims   claims          // of state directories
	listener int             // the control socket that the keeper held, -1 is none
	work     sync.WaitGroup  // of the goroutines that do slow work
	life     context.Context // ends when the manager ends
	die      context.CancelFunc
	notes    []string // what is not as it should be, for status
	lasting  []string // notes that outlive this manager

	dog     dog         // the watchdog, which the keeper feeds
	trial   trial       // of a configuration that waits to be confirmed
	forgets *forgetting // of what came before a trial; nil is none
	next    *swap       // of an apply, until the machine has taken it
	keeping uint32      // the version that the keeper holds for an apply; 0 is none
	rescued bool        // the built-in configuration runs
	saved   bool        // the running configuration has been saved as the last good one
	shown   bool        // the service manager above us knows that we are up

	early    []keeper.Message // that came before the loop
	stopping supervisor.End   // where the machine goes to, or has been asked to
	hurry    bool             // nothing is waited for at the end
	endWhy   string           // why the machine ends, where no person asked
	end      supervisor.End   // handed to the keeper
	code     int
}

// swap is a configuration to be applied.
type swap struct {
	request supervisor.Request
	config  *targets.Config
	sources []targets.Source
	target  string // to go to where recovery led to the active one, or that is not in it; "" is none
	then    func() // when it is in force; nil is nothing
}

// post notes an event; turn acts on it.
func (m *Manager) post(ev supervisor.Event) { m.pending = append(m.pending, ev) }

// later has something done when the events that are pending have been stored: what would make them be forgotten.
func (m *Manager) later(f func()) { m.stored = append(m.stored, f) }

// turn is one round: every pending event is stepped, stored and carried out, then launches are made, until nothing
// is left to do now. It says when to come back.
func (m *Manager) turn() (time.Duration, bool) {
	if m.alone {
		return 0, false // see orphan
	}
	m.due()
	probe := m.ask(poll.Now())
	m.doChores(poll.Now())
	for len(m.pending) > 0 || len(m.applies) > 0 || len(m.stored) > 0 || len(m.queue) > 0 && len(m.flight) < maxFlight || m.look(poll.Now()) {
		m.settle()
		if len(m.pending) == 0 { // an apply gives other numbers to components: what a launch tells comes after it, by those
			m.launch()
		}
	}
	m.sweep()
	m.feel()
	m.ring.Apply(m.seen)
	m.ring.Turn()
	next, _ := m.machine.Deadline()
	beat, _ := m.machine.BeatDeadline()
	for _, at := range []time.Duration{probe, m.nextChore(), beat} {
		if at != 0 && (next == 0 || at < next) {
			next = at
		}
	}
	return next, next != 0
}

// due does what time has made due: a Tick for the machine above all.
func (m *Manager) due() {
	if at, ok := m.machine.Deadline(); ok && at <= poll.Now() {
		m.post(supervisor.Tick{})
	}
}

// settle steps every pending event. What has changed is stored before the effects are carried out: a manager that
// dies in between has acted on nothing that the next one does not know.
func (m *Manager) settle() {
	for i := 0; i < len(m.pending); i++ {
		m.now = poll.Now()
		effects := m.machine.Step(m.now, m.pending[i])
		if err := m.machine.Store(m.table); err != nil {
			m.say(targets.Error, logs.Name, 0, err.Error()) // what has no record is not launched: see record
		}
		for _, e := range effects {
			m.perform(e)
		}
	}
	m.now, m.pending = 0, m.pending[:0]
	m.forgetNext()
	if len(m.applies) > 0 {
		m.next, m.applies = &m.applies[0], m.applies[1:]
		m.post(supervisor.Apply{
			Request: m.next.request, Graph: targets.NewGraph(m.next.config), Version: m.keepNext(), Back: m.next.target,
		})
	}
	for _, f := range m.stored {
		f()
	}
	m.stored = m.stored[:0]
}

// perform carries out one effect.
func (m *Manager) perform(e supervisor.Effect) {
	switch e := e.(type) {
	case supervisor.Launch:
		m.queue = append(m.queue, e)
	case supervisor.TakeIn:
		m.takeIn(e)
	case supervisor.LetGo:
		m.letGo(e)
	case supervisor.RunCommand:
		m.runCommand(e)
	case supervisor.CancelCommand:
		m.cancelCommand(e)
	case supervisor.Await:
		m.awaitConditions(e)
	case supervisor.CancelAwait:
		m.forgetConditions(m.units[e.Component])
	case supervisor.Signal:
		m.signalUnit(e)
	case supervisor.Kill:
		m.killUnit(e)
	case supervisor.Changed:
		m.beginBeat(e)
		m.cleared(e)
		m.changed(e)
		m.overOnNetwork(e)
	case supervisor.Moved:
		m.moved(e)
	case supervisor.Answer:
		m.callers.answer(e)
	case supervisor.Renumbered:
		m.renumber(e)
	case supervisor.Finish:
		m.finish(e.End)
	case supervisor.LastResort:
		m.lastResort(e.Action)
	case supervisor.Bug:
		m.say(targets.Error, logs.Name, 0, "bug: "+e.Text)
	}
}
