package manager

import (
	"time"

	"github.com/orderly-init/orderly/init/keeper"
	"github.com/orderly-init/orderly/runtime"
	"github.com/orderly-init/orderly/runtime/oci"
	"github.com/orderly-init/orderly/runtime/ready"
	"github.com/orderly-init/orderly/supervisor"
	"github.com/orderly-init/orderly/targets"
)

// unit is what the manager knows of one component beyond the machine: its processes and what is watched for it.
type unit struct {
	number int // in the machine; changes with the configuration
	name   string
	hash   uint64
	def    *targets.Component

	run     uint32
	onward  uint32   // a run that is not to be held any more
	main    *process // of the present run; nil once it has ended
	command *process // a stop_command or reload_command
	lines   lines    // of its output, that are waited for
	asker   *asker   // of its readiness
	inquiry *inquiry // a program that finds something out about it
	group   groupState
	meter   meter // of the limits of its group

	furnishing *furnishing // what the next start waits for
	addresses  string      // of its run on a network, for people
	bundle     *oci.Bundle // of the newest run
	bundleTag  keeper.Tag  // of its text at the keeper
	hooks      []*hooks    // under way, and those that wait for them
	mourned    uint32      // the run, plus one, whose poststop hooks have been run

	notify     int            // notify socket, -1 is none; lives as long as the component
	peeked     bool           // what is next in it has been heard
	words      int            // of what is in it something waits for, up to notifyBudget
	ready      int            // reading end of the readiness pipe, -1 is none
	said       bool           // its newline has come
	beat       beatPipe       // of the present run
	path       *ready.Path    // being waited for
	pidFile    *ready.Path    // being waited for
	probe      *probe         // socket being asked for
	sockets    *ready.Sockets // of its own network, while it is asked for
	conditions []*condition   // start conditions being asked for
	seeks      int            // looks at files that have not come back
	closed     time.Duration  // when to say that it will never be ready: its pipe was closed; 0 is not at all

	heir       int                             // a process that is to follow the main one when that can be (MAINPID=); 0 is none
	leader     int32                           // pid of the newest main process: its session, where there are no cgroups
	cpu        int64                           // nanoseconds of the runs that have ended
	ended      func(supervisor.Status, string) // of a tool
	remarks    remarks
	complained uint32 // the run, plus one, that complainOnce has complained of
}

// groupState says what may be left of a component's processes.
type groupState uint8

const (
	groupGone     groupState = iota // no directory, no process
	groupThere                      // the directory is there, processes may be
	groupWatched                    // the main process has ended, the rest is waited for
	groupDeserted                   // nobody is left, the directory is
)

// role says what a process is for its component.
type role uint8

const (
	mainRole role = iota
	stopRole
	reloadRole
	toolRole // of nobody's: fsck
	inquiryRole
	hookRole
)

// process is one start, from the launch to its exit.
type process struct {
	unit    *unit
	role    role
	run     uint32
	slot    *runtime.Slot
	record  int              // of the facts table
	program *runtime.Program // until it has landed
	after   uint64           // exits up to this number are of earlier processes with the same pid
	pid     int32            // 0 until it has landed
	pending int              // a signal to send when it has landed
	spoke   bool             // it has said that it is ready, or something else
	gate    *gate            // where it stops for hooks; nil once it has landed
	fault   error            // why it was killed before it executed
	pidfd   int              // of an adopted process; 0: started here
	loose   bool             // it has been let go
	close   []int            // descriptors that are only needed until it has landed
}

// landed says whether a process has executed, and whoever started it has said so.
func (p *process) landed() bool { return p.pid != 0 && p.slot.Ended() }

// number is the pid as far as it is known: also of a start that is held before its exec.
func (p *process) number() int {
	if p.pid == 0 {
		return p.slot.Started()
	}
	return int(p.pid)
}

// mainPID is the pid of the main process if that has executed, as far as that is known; 0 is none. Who has spoken has, though who started it
// may not have come to say so.
func (u *unit) mainPID() int {
	p := u.main
	if p == nil || p.pid == 0 && !p.spoke {
		return 0
	}
	return p.number()
}

// command says which command of the machine a role is.
func (r role) command() supervisor.Command {
	if r == reloadRole {
		return supervisor.ReloadCommand
	}
	return supervisor.StopCommand
}

func newUnit(number int, def *targets.Component) *unit {
	return &unit{number: number, name: def.Name, hash: supervisor.NameHash(def.Name), def: def, notify: -1, ready: -1, beat: beatPipe{fd: -1}}
}

func (u *unit) tag(use keeper.Use) keeper.Tag { return keeper.Tag{Use: use, Run: u.run, Name: u.hash} }
