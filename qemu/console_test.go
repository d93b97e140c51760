package qemu

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/orderly-init/orderly/qemu/guest"
)

// unknown is a console that is not there, and nothing else: the last of QEMU's options counts.
func unknownConsole(words ...string) []string {
	return []string{"-append", strings.Join(append([]string{"console=ttyS9", "panic=-1", "cryptomgr.notests"}, words...), " ")}
}

// standard checks what PID 1 and a component have as descriptors 0 to 2, that the component has no other, and that keeper and manager
// need not enlarge their tables of them.
func (m machine) standard(want string) {
	m.t.Helper()
	if got := m.sh("for n in 0 1 2; do readlink /proc/1/fd/$n; done"); strings.Join(strings.Fields(got), " ") != want {
		m.t.Errorf("PID 1 has %q, want %q", got, want)
	}
	if got := m.sh("sed -n 's/^FDSize:[^0-9]*//p' /proc/1/status /proc/$(pidof orderly-manager)/status"); got != "1024\n1024\n" {
		m.t.Errorf("the tables of descriptors have room for %q", got)
	}
	m.sh("until orderly log witness | grep -q descriptors; do usleep 50000; done")
	log := m.run("orderly", "log", "witness")
	if !strings.Contains(log, "descriptors 0=/dev/null 1=pipe:") || !strings.Contains(log, " 2=pipe:") || strings.Contains(log, " 3=") {
		m.t.Errorf("a component has %s", log)
	}
}

// The console of the kernel command line does not exist, so the kernel starts PID 1 without descriptors 0 to 2, and there is no
// /dev yet. The machine comes up, says that it has no console, and ends in order.
func TestNoConsole(t *testing.T) {
	for _, s := range systems()[:2] {
		t.Run(s.name, func(t *testing.T) {
			o := troubled(t, s, "no-console-"+s.program, "", bare, nil)
			o.Extra = unknownConsole()
			m := boot(t, o)
			m.reaches("main")
			m.noted("open /dev/console: ")
			m.standard("/dev/null /dev/null /dev/null")
			if _, err := m.Follow("orderly", "poweroff"); err != nil {
				t.Fatal(err)
			}
			m.off()
		})
	}
}

// Descriptors 0 to 2 were closed by whoever started PID 1, who has mounted everything already; and the kernel command line is nonsense.
func TestClosedDescriptorsAndGarbage(t *testing.T) {
	const before = `
mount -t proc none /proc
mount -t sysfs none /sys
mount -t devtmpfs none /dev
mkdir /dev/pts /dev/shm
mount -t devpts none /dev/pts
mount -t tmpfs none /dev/shm
mount -t tmpfs none /run
mount -t cgroup2 none /sys/fs/cgroup
exec /sbin/init --nonsense "" rescue 0<&- 1>&- 2>&-
`
	m := early(t, "garbage", before, bare,
		"orderly.target=nowhere", "orderly.rescue=perhaps", "orderly.rescue_timeout=-5m", "orderly.rescue-timeout=1e9", "orderly.watchdog=dog", "orderly.config=",
		"orderly.\x1b[31m\xff=\x01", "=", "\"\"", "orderly", "ORDERLY.TARGET=x", "rescue=1", strings.Repeat("long", 350), "\"open orderly.target=nowhere")
	m.reaches("main")
	m.mountedOnce()
	m.standard("/dev/console /dev/console /dev/console")
	m.noted("kernel command line: ignored: orderly.rescue=perhaps orderly.rescue_timeout=-5m orderly.rescue-timeout=1e9 orderly.watchdog=dog orderly. [31m?= ")
	m.noted("target nowhere is not in the configuration; main instead")
	if got := m.Console(); strings.Contains(got, "\xff") || strings.Contains(got, "orderly.\x1b") {
		t.Errorf("the console has what the command line has:\n%q", got)
	}
	m.powerOff()
}

// chatty has a component that writes to the console for as long as it can.
const chatty = bare + `
[component.chatter]
command = ["/bin/sh", "-c", "while :; do echo chatter; done"]
output = { stdout = "console" }
[target.chatty]
depends_on = ["agent", "chatter"]
`

// Somebody has stopped the console (^S). Nobody waits for it: the boot, a component that writes there, a configuration with more
// mistakes than lines can wait, the end. What could not be said is counted, and the rest is there when the console goes on.
func TestStoppedConsole(t *testing.T) {
	m := early(t, "stopped", "echo waiting\nread x\nexec /sbin/init\n", chatty, "orderly.target=chatty")
	m.expect("waiting")
	const stop, on = "\x13", "\x11"
	if err := m.Send(stop + "go\n"); err != nil {
		t.Fatal(err)
	}
	m.reaches("chatty")
	m.sh("n=0; while [ $n -lt 900 ]; do n=$((n+1)); echo wrong$n = 1; done > /etc/orderly/wrong.toml; kill -HUP 1; until orderly log | grep -q wrong900; do usleep 50000; done")
	m.run("orderly", "stop", "chatter")
	m.run("orderly", "activate", "main")
	if got := m.Console(); strings.Contains(got, "settled") {
		t.Fatalf("the console was not stopped:\n%s", got)
	}
	if err := m.Send(on); err != nil {
		t.Fatal(err)
	}
	m.expect(`orderly: \d+ lines dropped: the console was too slow`)
	m.expect("wrong900")
	m.expect("target main: settled")
	lost := 0
	for _, told := range regexp.MustCompile(`orderly: (\d+) lines dropped`).FindAllStringSubmatch(m.Console(), -1) {
		n, _ := strconv.Atoi(told[1])
		lost += n
	}
	if there := len(regexp.MustCompile(`wrong\d+: `).FindAllString(m.Console(), -1)); lost < 900-there || lost > 900-there+100 {
		t.Errorf("%d of the 900 lines are there, and %d are told to be lost", there, lost)
	}
	if err := m.Send(stop); err != nil {
		t.Fatal(err)
	}
	m.powerOff()
}

// A console that is stopped costs no time: from the exec of init until a chain of a hundred components is up, each step of which it would be
// told, in counted instructions. Boots differ by 1 or 2 %, hence the better of two. A host that does not read cannot be tested: QEMU then stops
// the whole machine with its clock for a serial line, and throws away what a virtio console gets.
func TestStoppedConsoleCostsNoTime(t *testing.T) {
	const stop = "trouble stop < /dev/console"
	var config strings.Builder
	config.WriteString(bare + "[log]\nconsole = \"debug\"\n")
	last := "agent"
	for n := range 100 {
		fmt.Fprintf(&config, "[component.c%d]\ncommand = [\"/bin/sleep\", \"1000\"]\ndepends_on = [%q]\n", n, last)
		last = fmt.Sprint("c", n)
	}
	fmt.Fprintf(&config, "[target.chain]\ndepends_on = [%q]\n", last)
	took := func(before string) float64 {
		script := before + "\ntrouble now > /began\nexec /sbin/init\n"
		o := troubled(t, systems()[0], "chain", script, config.String(), nil, "rdinit=/early", "orderly.target=chain")
		o.Clock = guest.CountSkipping
		m := boot(t, o)
		m.reaches("chain")
		e := m.await("chain", func(e event) bool { return e.Target == "chain" && e.To == "settled" })
		began, err := strconv.ParseFloat(strings.TrimSpace(m.sh("cat /began")), 64)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(m.Console(), "c99: ready"); got == (before == stop) {
			t.Fatalf("told on the console: %v", got)
		}
		m.Kill()
		return e.TimeMS - began
	}
	free, stopped := min(took("true"), took("true")), min(took(stop), took(stop))
	t.Logf("%.1f ms, with a stopped console %.1f ms", free, stopped)
	if stopped > free*1.05 || stopped < free*0.95 {
		t.Errorf("it took %.1f ms, and %.1f ms with a stopped console", free, stopped)
	}
}
