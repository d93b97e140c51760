package boot

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orderly-init/orderly/supervisor"
)

// TestTables shows what the machine is brought up and down with: a change of it is a change of behaviour.
func TestTables(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	section := func(name string) { fmt.Fprintf(&b, "%s:\n", name) }
	section("early mounts")
	for _, m := range earlyMounts() {
		fmt.Fprintf(&b, "  %v flags %#x data %q\n", m, m.flags, m.data)
	}
	section("devices")
	for _, d := range defaultDevices() {
		fmt.Fprintf(&b, "  %v\n", d)
	}
	section("links")
	for _, l := range defaultLinks() {
		fmt.Fprintf(&b, "  %v\n", l)
	}
	section("up")
	for _, s := range upSteps() {
		fmt.Fprintf(&b, "  %s%s\n", s.name, onlyMachine(s.machine))
	}
	section("down")
	for _, s := range downSteps() {
		fmt.Fprintf(&b, "  %s%s\n", s.name, onlyMachine(s.machine))
	}
	section("layers")
	for _, l := range layers() {
		fmt.Fprintf(&b, "  %s\n", l.name)
	}
	section("ends")
	for end := supervisor.GoOn; end <= supervisor.Exit; end++ {
		fmt.Fprintf(&b, "  %d", end)
		for _, c := range lastCalls(end) {
			fmt.Fprintf(&b, " %s %#08x", c.name, c.command)
		}
		b.WriteString("\n")
	}
	if diff := cmp.Diff(goldenTables, b.String()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func onlyMachine(machine bool) string {
	if machine {
		return " (not in a container)"
	}
	return ""
}

const goldenTables = `early mounts:
  mount proc on /proc flags 0xe data []
  mount sysfs on /sys flags 0xe data []
  mount devtmpfs on /dev flags 0x2 data ["mode=0755"]
  mount devpts on /dev/pts flags 0xa data ["gid=5,mode=0620,ptmxmode=0666"]
  mount tmpfs on /dev/shm flags 0x6 data ["mode=1777"]
  mount tmpfs on /run flags 0x6 data ["mode=0755"]
  mount cgroup2 on /sys/fs/cgroup flags 0xe data ["nsdelegate" ""]
devices:
  /dev/null c 1:3 0666
  /dev/zero c 1:5 0666
  /dev/full c 1:7 0666
  /dev/random c 1:8 0666
  /dev/urandom c 1:9 0666
  /dev/kmsg c 1:11 0644
  /dev/tty c 5:0 0666
  /dev/console c 5:1 0600
  /dev/ptmx c 5:2 0666
links:
  /dev/fd -> /proc/self/fd
  /dev/stdin -> /proc/self/fd/0
  /dev/stdout -> /proc/self/fd/1
  /dev/stderr -> /proc/self/fd/2
up:
  kernel command line (not in a container)
  host name
  loopback
  clock (not in a container)
  kernel modules (not in a container)
  what waits for modules (not in a container)
  sysctl
  mounts
  machine id
  random seed (not in a container)
  last end (not in a container)
down:
  end the processes
  save the random seed (not in a container)
  write down why (not in a container)
  write what is buffered (not in a container)
  unmount (not in a container)
  make the rest read-only (not in a container)
  write what is left (not in a container)
layers:
  swap
  loop
  device-mapper
ends:
  0 reboot 0x01234567
  1 power off 0x4321fedc
  2 reboot 0x01234567
  3 halt 0xcdef0123
  4 kexec 0x45584543 reboot 0x01234567
  5 power off 0x4321fedc
`
