package boot

import (
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/supervisor"
)

// DownOptions say how the machine ends.
type DownOptions struct {
	End            supervisor.End // Exit is for a container; a machine is powered off instead
	Grace          time.Duration  // between SIGTERM and SIGKILL; 0 is 5 s
	Now            bool           // no SIGTERM, no grace
	Why            string         // where nobody has asked for it and no manager has written it down; "" is none
	StateDirectory string         // "" is the default one
	Voice          io.Writer      // the console; it may be stuck
	Last           func()         // called before the last call, when nothing more is waited for; nil is nothing
}

// The limits of the end. Together they bound it: a machine that was told to end does.
const (
	defaultGrace  = 5 * time.Second
	killLimit     = time.Second
	saveLimit     = 2 * time.Second
	unmountLimit  = 10 * time.Second // of all unmounts
	oneLimit      = 3 * time.Second  // of one
	readOnlyLimit = 5 * time.Second
	syncLimit     = 30 * time.Second // of both times together
	voiceLimit    = 500 * time.Millisecond
)

// down is one end of the machine.
type down struct {
	DownOptions
	voice   *Voice
	machine bool            // not a container
	synced  time.Duration   // how long sync(2) took so far
	hung    map[string]bool // mount points whose file system does not answer
	layers  []layer         // what is built on disks besides mounts
	key     func(string) error
}

// downStep is one part of it. Those of the machine are the host's in a container.
type downStep struct {
	name    string
	machine bool
	do      func(*down)
}

// downSteps are in the order in which they are made. What is buffered is written before file systems are unmounted,
// so that an unmount that takes long is one that hangs.
func downSteps() []downStep {
	return []downStep{
		{"end the processes", false, (*down).endProcesses},
		{"save the random seed", true, (*down).saveSeed},
		{"write down why", true, (*down).saveWhy},
		{"write what is buffered", true, (*down).sync},
		{"unmount", true, (*down).detachAll},
		{"make the rest read-only", true, (*down).readOnly},
		{"write what is left", true, (*down).sync},
	}
}

// Down ends the machine as PID 1 and does not return. Nothing that hangs keeps it from the last call. Somebody else
// must reap meanwhile, or nobody: zombies are not waited for.
func Down(o DownOptions) {
	d := &down{
		DownOptions: o, machine: ours(), voice: NewVoice(o.Voice), hung: map[string]bool{}, layers: layers(), key: sysrq,
	}
	if d.Grace == 0 {
		d.Grace = defaultGrace
	}
	for _, s := range downSteps() {
		if d.machine || !s.machine {
			s.do(d)
		}
	}
	d.end()
}

// Now starts the machine again at once: nothing is ended, and what is not written is lost. It does not return
// where the kernel lets it.
func Now() {
	go unix.Sync()
	unix.Reboot(unix.LINUX_REBOOT_CMD_RESTART)
	leave(ours(), supervisor.Reboot)
}

func (d *down) say(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	fmt.Fprintf(d.voice, "orderly: %s\n", text)
	toKernel(text)
}

func (d *down) saveSeed() {
	if err := bounded(saveLimit, func() error { return SaveSeed(d.StateDirectory) }); err != nil && !errReadOnly(err) {
		d.say("random seed: %v", err)
	}
}

// saveWhy is for an end that no manager could write down.
func (d *down) saveWhy() {
	if d.Why == "" {
		return
	}
	err := bounded(saveLimit, func() error { return SaveEnd(d.StateDirectory, d.End.String(), d.Why) })
	if err != nil && !errReadOnly(err) {
		d.say("last end: %v", err)
	}
}

// sync writes what is buffered. A dead network server or disk keeps sync(2) waiting for ever: it has a limit.
func (d *down) sync() {
	start := time.Now()
	limit := max(syncLimit-d.synced, time.Second)
	if err := bounded(limit, func() error { unix.Sync(); return nil }); err != nil {
		d.say("sync: %v: what is not written is lost", err)
	}
	d.synced += time.Since(start)
}

// last is a command of reboot(2) with its name.
type last struct {
	name    string
	command uint32
}

// lastCalls are the commands of an end, each for where the one before fails.
func lastCalls(end supervisor.End) []last {
	restart := last{"reboot", unix.LINUX_REBOOT_CMD_RESTART}
	switch end {
	case supervisor.Poweroff, supervisor.Exit:
		return []last{{"power off", unix.LINUX_REBOOT_CMD_POWER_OFF}}
	case supervisor.Halt:
		return []last{{"halt", unix.LINUX_REBOOT_CMD_HALT}}
	case supervisor.Kexec:
		return []last{{"kexec", unix.LINUX_REBOOT_CMD_KEXEC}, restart}
	case supervisor.Reboot, supervisor.GoOn:
	}
	return []last{restart}
}

// end makes the last call.
func (d *down) end() {
	if d.End == supervisor.Exit && !d.machine {
		d.voice.Drain(voiceLimit)
		os.Exit(0)
	}
	if d.Last != nil {
		d.Last()
	}
	for _, c := range lastCalls(d.End) {
		d.say("%s", c.name)
		d.voice.Drain(voiceLimit)
		if err := unix.Reboot(int(c.command)); err != nil && d.machine {
			d.say("%s: %v", c.name, err)
		}
	}
	d.voice.Drain(voiceLimit)
	leave(d.machine, d.End)
}

// leave is for where reboot(2) is refused. A container's PID 1 just ends. A machine's must not: the kernel panics
// (init(8)); what is left there is the key that restarts or powers off without asking (sysrq.rst).
func leave(machine bool, end supervisor.End) {
	if !machine {
		os.Exit(0)
	}
	switch end {
	case supervisor.Poweroff, supervisor.Exit:
		sysrq("o")
	case supervisor.Reboot, supervisor.Kexec, supervisor.GoOn:
		sysrq("b")
	case supervisor.Halt:
	}
	for {
		unix.Pause()
	}
}

// sysrq presses a key that the kernel itself acts on, whatever the sysctl of the same name allows the keyboard.
func sysrq(key string) error { return writeTo("/proc/sysrq-trigger", []byte(key)) }

// KexecLoaded reports whether a kernel is loaded that kexec can start (kexec(8)).
func KexecLoaded() bool {
	b, err := os.ReadFile("/sys/kernel/kexec_loaded")
	return err == nil && firstLine(string(b)) == "1"
}
