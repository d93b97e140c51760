package qemu

import (
	"strings"
	"testing"

	"github.com/orderly-init/orderly/qemu/guest"
)

// timed has everything that waits for a time: a heartbeat, a restart that is due, a watchdog, a time-out.
const timed = `
initial_target = "main"
[system]
modules = ["virtio_pci", "virtio_console", "softdog"]
[watchdog]
timeout = "10s"
interval = "1s"
critical = ["beater"]
[component.agent]
command = ["/sbin/agent"]
[component.beater]
command = ["/sbin/trouble", "beat", "200ms"]
heartbeat = { via = "fd", window = "2s" }
[component.crasher]
command = ["/bin/false"]
recovery = { attempts = 1, delay = "2s", backoff = 1.0, max_delay = "2s", then = "retry" }
[component.once]
kind = "oneshot"
command = ["/bin/sleep", "12"]
start_timeout = "14s"
[target.main]
depends_on = ["agent", "beater"]
wants = ["crasher"]
`

// steady checks that nobody was restarted for want of a beat, and that restarts came when they were due.
func (m machine) steady(all []event, late float64) {
	m.t.Helper()
	last := 0.0
	for _, e := range all {
		switch {
		case e.Component == "beater" && e.To != "starting" && e.To != "ready" || e.Component == "once" && e.To == "failed":
			m.t.Errorf("%s: %s to %s: %s", e.Component, e.From, e.To, e.Reason)
		case e.Component == "crasher" && e.To == "starting":
			if wait := e.TimeMS - last; last != 0 && (wait < 1990 || wait > 2000+late) {
				m.t.Errorf("crasher was started again after %.0f ms", wait)
			}
			last = e.TimeMS
		}
	}
	if c := m.component("beater"); c.State != "ready" || c.Run != 1 {
		m.t.Errorf("beater is %+v", c)
	}
}

// The wall clock jumps, to and fro and beyond 2038: nobody is restarted, and nothing comes early or late. Idle time of the guest is
// skipped.
func TestWallClockJumps(t *testing.T) {
	o := troubled(t, systems()[0], "timed", "", timed, []string{"softdog"})
	o.Clock = guest.CountSkipping
	m := boot(t, o)
	m.reaches("main")
	m.sh(`(orderly start once || touch /tmp/late) > /dev/null 2>&1 < /dev/null &
for at in 1970-01-01 2026-06-01 2026-05-31 2026-06-02 2038-01-20 2200-01-01 1971-01-01; do
	date -s "$at 00:00:00" > /dev/null || exit
	sleep 2.7
done
test ! -e /tmp/late && orderly status once | grep -q ready || exit
orderly events --json > /tmp/events`)
	var all []event
	for line := range strings.Lines(m.run("cat", "/tmp/events")) {
		all = append(all, m.event(line))
	}
	m.steady(all, 500)
	if n := len(all); n < 20 {
		t.Errorf("only %d events", n)
	}
	m.powerOff()
}

// The machine sleeps for longer than any window, from soon after one has begun, so that its beats are missing when it goes on: nobody is
// restarted. Whether CLOCK_MONOTONIC stands still then is up to the kernel's way to idle; here it does not.
func TestSuspend(t *testing.T) {
	config := strings.Replace(timed, `window = "2s"`, `window = "2s", min = 8`, 1)
	o := troubled(t, systems()[0], "suspended", "", config, []string{"softdog"})
	o.Clock = guest.CountSleeping
	m := boot(t, o)
	m.reaches("main")
	if got := m.sh("cat /sys/power/state; ls /sys/class/rtc/rtc0/wakealarm 2>&1; true"); !strings.Contains(got, "freeze") || strings.Contains(got, "No such") {
		t.Skipf("the kernel cannot sleep and wake up by its clock: %s", got)
	}
	// windows end at multiples of their length since boot; the first one is a longer one
	m.sh(`before=$(date +%s)
while read up rest < /proc/uptime; do
	hundredths=${up#*.}
	test ${up%.*} -ge 4 && test $((${up%.*} % 2)) = 0 && test ${hundredths#0} -lt 40 && break
	usleep 20000
done
echo +6 > /sys/class/rtc/rtc0/wakealarm
echo freeze > /sys/power/state
test $(date +%s) -ge $((before + 5)) && sleep 5`)
	m.steady(m.events("0"), 9000)
	m.powerOff()
}

// small is a machine with a chain of components, in which everything is short.
const small = `
initial_target = "main"
[system]
modules = ["virtio_pci", "virtio_console"]
[component.agent]
command = ["/sbin/agent"]
[component.beater]
command = ["/sbin/trouble", "beat", "200ms"]
heartbeat = { via = "fd", window = "1s" }
[component.shell]
depends_on = ["beater"]
command = ["/bin/sh", "-c", "while echo >&$ORDERLY_HEARTBEAT_FD; do usleep 200000; done"]
heartbeat = { via = "fd", window = "2s" }
[component.a]
kind = "oneshot"
command = ["/bin/true"]
depends_on = ["shell"]
[component.b]
kind = "oneshot"
command = ["/bin/true"]
depends_on = ["a"]
[target.main]
depends_on = ["agent", "b"]
`

// One processor, 128 MB, and others that take all they can get of both and of the disk from before the boot: the same order, and no
// heartbeat that is missed by mistake. Then the manager gets no processor at all for longer than any window, while the component that beats
// has one. Then PID 1 gets every signal there is.
func TestStarvedMachine(t *testing.T) {
	o := troubled(t, systems()[0], "small", `mount -t tmpfs -o size=16m none /tmp
mount -t devtmpfs none /dev
exec < /dev/null
for n in 1 2 3; do (while :; do :; done) > /dev/null 2>&1 & echo $! >> /tmp/load; done
(while :; do dd if=/dev/zero of=/tmp/file bs=64k count=200; sync; done) > /dev/null 2>&1 &
echo $! >> /tmp/load
exec /sbin/init
`, small, nil, "rdinit=/early")
	o.MemoryMB, o.Clock = 128, guest.CountSleeping // what is short is the machine's, not the host's
	m := boot(t, o)
	m.reaches("main")
	all := m.events("0")
	for _, p := range [][2]string{{"beater", "shell"}, {"shell", "a"}, {"a", "b"}} {
		mustPrecede(t, all, p[0], "ready", p[1], "starting")
	}
	manager := m.sh("pidof orderly-manager")
	m.sh("kill -9 $(cat /tmp/load); echo -1 > /proc/sys/kernel/sched_rt_runtime_us; trouble spin 2500ms; usleep 500000")
	if got := m.sh("grep SigIgn /proc/1/status"); !strings.HasSuffix(got, "380000000\n") { // 32 to 34, which can end a PID 1 that has threads
		t.Errorf("PID 1 ignores %s", got)
	}
	m.run("trouble", "signals")
	for _, e := range m.events("0") {
		if e.Kind == "component" && e.To != "ready" && (e.To != "starting" || e.Run > 1) {
			t.Errorf("%s: %s to %s: %s", e.Component, e.From, e.To, e.Reason)
		}
	}
	if got := m.sh("pidof orderly-manager"); got != manager {
		t.Errorf("the manager was %s, is %s", manager, got)
	}
	m.powerOff()
}
