package qemu

import (
	"slices"
	"strings"
	"testing"

	"github.com/orderly-init/orderly/qemu/guest"
)

// timed has everything that waits for a time: heartbeats, two of which are missed at the same instant, a restart, a watchdog, a time-out, a
// probe that takes longer than the time between two of them.
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
[template.silent]
command = ["/bin/sleep", "1000"]
heartbeat = { via = "fd", window = "2s" }
recovery = { attempts = 0, then = "stop" }
[component.mute]
template = "silent"
[component.still]
template = "silent"
[component.probed]
command = ["/bin/true"]
start_conditions = [{ command = ["/bin/sh", "-c", "echo probe >> /tmp/probes; mkdir /tmp/probing || echo beside another >> /tmp/probes; sleep 1; rmdir /tmp/probing; false"], poll_interval = "200ms", timeout = "10m" }]
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

// The wall clock jumps, to and fro, by the hour of summer time and beyond 2038: nobody is restarted, and nothing comes early, late, twice or
// not at all. Idle time of the guest is skipped.
func TestWallClockJumps(t *testing.T) {
	o := troubled(t, systems()[0], "timed", "", timed, []string{"softdog"})
	o.Clock = guest.CountSkipping
	m := boot(t, o)
	m.reaches("main")
	m.sh(`(orderly start once || touch /tmp/late) > /dev/null 2>&1 < /dev/null &
orderly start probed > /dev/null 2>&1 < /dev/null &
orderly start mute still > /dev/null 2>&1 < /dev/null &
for at in '1970-01-01 00' '2026-06-01 00' '2026-05-31 00' '2026-10-25 03' '2026-10-25 02' '2038-01-20 00' '2200-01-01 00' '1971-01-01 00'; do
	date -s "$at:00:00" > /dev/null || exit
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
	failed := became(all, "failed")
	slices.Sort(failed)
	if !slices.Equal(failed, []string{"mute", "still"}) {
		t.Errorf("failed: %v", failed)
	}
	probes := m.run("cat", "/tmp/probes")
	if n := strings.Count(probes, "probe\n"); n < 12 || strings.Contains(probes, "beside") { // in 21 s, each one second and a pause
		t.Errorf("%d probes:\n%s", n, probes)
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

// small is a machine in which everything is short: a chain of components, some that need nobody, and some that the same one lets start.
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
[template.idle]
command = ["/bin/sleep", "100000"]
[component.z]
template = "idle"
[component.y]
template = "idle"
[component.x]
template = "idle"
[component.w]
template = "idle"
depends_on = ["b"]
[component.v]
template = "idle"
depends_on = ["b"]
[component.u]
template = "idle"
depends_on = ["b"]
[target.main]
depends_on = ["agent", "u", "v", "w", "x", "y", "z"]
`

// load takes the processor, the disk and all memory but 24 MB, from before the boot on.
const load = `mount -t tmpfs -o size=1m none /tmp
mount -t proc none /proc
mount -t devtmpfs none /dev
busybox modprobe virtio_pci
busybox modprobe virtio_blk
until test -b /dev/vda; do usleep 50000; done
mkdir /data
mount -t ext4 /dev/vda /data
exec < /dev/null
for n in 1 2 3; do (while :; do :; done) > /dev/null 2>&1 & echo $! >> /tmp/load; done
(while :; do dd if=/dev/zero of=/data/file bs=64k count=100 conv=fsync; echo written >> /tmp/written; done) > /dev/null 2>&1 &
echo $! >> /tmp/load
left() { sed -n 's/^MemAvailable: *\([0-9]*\) kB/\1/p' /proc/meminfo; }
hog memory $((($(left) - 24576) * 1024)) pause > /dev/null 2>&1 &
echo $! > /tmp/hog
until test $(left) -lt 26000; do usleep 50000; done
exec /sbin/init
`

// One processor, 128 MB, and others that take all they can get of both and of the disk from before the boot: the same order as without
// them, and no heartbeat that is missed by mistake. Then the manager gets no processor at all for longer than any window, while the component
// that beats has one. Then PID 1 gets every signal there is.
func TestStarvedMachine(t *testing.T) {
	o := troubled(t, systems()[0], "small", load, small, []string{"virtio_blk"})
	o.MemoryMB, o.Clock = 128, guest.CountSleeping // what is short is the machine's, not the host's
	m := boot(t, o)
	m.reaches("main")
	quiet := became(m.events("0"), "starting")
	m.Kill()

	o.Append, o.Disks = []string{"rdinit=/early"}, []guest.Disk{{File: emptyDisk(t), Write: true}}
	m = boot(t, o)
	m.reaches("main")
	if got := became(m.events("0"), "starting"); !slices.Equal(got, quiet) || len(got) != 11 {
		t.Errorf("started as %q, without load as %q", got, quiet)
	}
	if left := m.available(); left > 20<<20 {
		t.Errorf("%d bytes are left", left)
	}
	m.sh("kill -0 $(cat /tmp/hog) && test -s /tmp/written")
	manager := m.sh("pidof orderly-manager")
	m.sh("kill -9 $(cat /tmp/load /tmp/hog); echo -1 > /proc/sys/kernel/sched_rt_runtime_us; trouble spin 2500ms; usleep 500000")
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
