package manager

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/cgroups"
	"github.com/orderly-init/orderly/init/journal"
	"github.com/orderly-init/orderly/init/logs"
	"github.com/orderly-init/orderly/supervisor"
	"github.com/orderly-init/orderly/targets"
)

// The kernel counts whom it kills for want of memory, and tells when a count changes; whom it was is in its log only. It was the main process if
// that ends by SIGKILL and the count has grown; else it was another one. What has been told of is noted on the group itself, so
// that no later run and no later manager takes it for new.

// meterRest is how long a group whose limits have been reached is left alone: at its limit it may be there many times a second.
const meterRest = 500 * time.Millisecond

// patience is how many rests a process that dies may take until it is told of as one of the others.
const patience = 20

// limitsReached is told of groups whose limits have been reached, or nearly. They are looked at after a while, for a main process that
// is being killed has not ended yet.
func (m *Manager) limitsReached(names []string) {
	for _, name := range names {
		u := m.byName[name]
		if u == nil || u.group == groupGone {
			continue
		}
		m.watch.RemoveLimits(name)
		u.meter.rest.callOff()
		u.meter.patience = patience
		u.meter.rest = m.in(meterRest, func() { m.lookAtLimits(u) })
	}
}

// lookAtLimits tells what has happened, and watches on.
func (m *Manager) lookAtLimits(u *unit) {
	if u.group == groupGone {
		return
	}
	if u.meter.patience--; u.meter.patience > 0 && m.kills(u).Killed > 0 && u.main != nil && dying(u.main.number()) {
		u.meter.rest = m.in(meterRest, func() { m.lookAtLimits(u) }) // its exit is about to tell
		return
	}
	u.meter.rest = nil
	if err := m.watch.AddLimits(u.name); err != nil {
		m.complain(u, err.Error())
	}
	m.tellLimits(u)
}

// kills is what has been counted and not told of yet.
func (m *Manager) kills(u *unit) cgroups.Kills {
	return m.tree.Kills(u.name).Since(m.tree.Told(u.name))
}

// tellLimits tells of processes that have been killed beside the main one, and of those that were not let come to life.
func (m *Manager) tellLimits(u *unit) {
	now, told := m.tree.Kills(u.name), m.tree.Told(u.name)
	d := now.Since(told)
	before := told
	if d.Killed > 0 {
		m.noteOn(u, "oom: "+m.whose(u, d)+"; the kernel killed "+several(d.Killed, "a process", "processes")+" of it"+victims(m.below+"/"+u.name, d.Killed))
		told.Killed, told.Own, told.Below = now.Killed, now.Own, now.Below
	}
	if d.Forks > 0 && u.meter.forks.due() {
		m.noteOn(u, m.pidsLimit(u)+" reached; the kernel refused "+several(d.Forks, "a process", "processes"))
		told.Forks = now.Forks
	}
	if told != before {
		m.tree.Tell(u.name, told)
	}
}

func several(n int64, one, many string) string {
	if n == 1 {
		return one
	}
	return strconv.FormatInt(n, 10) + " " + many
}

func (m *Manager) pidsLimit(u *unit) string {
	if n := u.meter.set.PidsMax; n != nil && *n >= 0 {
		return fmt.Sprintf("pids_max %d", *n)
	}
	return "a limit of processes above its own group"
}

// shortOfMemory says which limit was reached where the kernel has killed the main process for want of memory; "" is not so. What else
// has happened to the group is told now: it may be gone soon.
func (m *Manager) shortOfMemory(u *unit, how supervisor.Status) string {
	killed := how.Signal == int(unix.SIGKILL)
	if m.tree == nil || !killed && !u.limited() {
		return ""
	}
	now, told := m.tree.Kills(u.name), m.tree.Told(u.name)
	d := now.Since(told)
	if d.Killed <= 0 || !killed {
		m.tellLimits(u)
		return ""
	}
	told.Killed, told.Own, told.Below = now.Killed, now.Own, now.Below
	m.tree.Tell(u.name, told)
	return m.whose(u, d)
}

// whose is the limit that was reached.
func (m *Manager) whose(u *unit, d cgroups.Kills) string {
	most := u.meter.set.MemoryMax
	switch {
	case d.Own > 0 && most != nil && *most >= 0:
		return "memory_max " + bytesText(*most) + " reached"
	case d.Own > 0:
		return "the memory limit of its own group reached"
	case d.Below > 0:
		return "a memory limit below its own group reached"
	}
	if dir, limit := m.tree.LimitAbove(); dir != "" {
		return "memory is used up: memory.max " + bytesText(limit) + " of " + dir + ", or the machine's"
	}
	return "the machine's memory is used up"
}

// bytesText is a size as it would be written, in the largest unit that needs no fraction.
func bytesText(n int64) string {
	unit := 0
	for unit < 4 && n != 0 && n%1024 == 0 {
		n, unit = n/1024, unit+1
	}
	return strconv.FormatInt(n, 10) + []string{"B", "KiB", "MiB", "GiB", "TiB"}[unit]
}

// dying says whether a process has been killed and is not gone yet: it has no memory any more, or SIGKILL waits for it
// (proc_pid_status(5)).
func dying(pid int) bool {
	b, err := os.ReadFile("/proc/" + itoa(pid) + "/status")
	return err != nil || dies(b)
}

func dies(status []byte) bool {
	if !bytes.Contains(status, []byte("\nVmSize:")) {
		return true
	}
	for line := range bytes.Lines(status) {
		for _, key := range []string{"SigPnd:", "ShdPnd:"} {
			if mask, ok := bytes.CutPrefix(line, []byte(key)); ok {
				n, _ := strconv.ParseUint(string(bytes.TrimSpace(mask)), 16, 64)
				if n&(1<<(unix.SIGKILL-1)) != 0 {
					return true
				}
			}
		}
	}
	return false
}

// noteOn tells of something about a run that changes nothing: in the event stream and in the log.
func (m *Manager) noteOn(u *unit, text string) {
	state, run := m.machine.StateOf(u.number)
	e := journal.Event{Kind: journal.Component, From: uint8(state), To: uint8(state), Run: run, Name: u.name, Text: text}
	m.tellAs(targets.Warning, e, logs.Line{Name: u.name, Run: run, Text: text})
	m.callers.notice()
}
