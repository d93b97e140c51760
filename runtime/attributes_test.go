package runtime

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// squeezed prints the lines with single spaces.
func squeezed(out string) {
	for line := range strings.Lines(out) {
		fmt.Println(strings.Join(strings.Fields(line), " "))
	}
}

// Every limit by its number, as the kernel names it. None is above what the
// caller has, which only CAP_SYS_RESOURCE permits.
func TestEveryLimit(t *testing.T) {
	needs(t, "/bin/cat")
	want := `Limit Soft Limit Hard Limit Units
Max cpu time 100 200 seconds
Max file size 1048576 2097152 bytes
Max data size 100000000 unlimited bytes
Max stack size 4194304 8388608 bytes
Max core file size 0 4096 bytes
Max resident set 5 6 bytes
Max processes 50 60 processes
Max open files 8 30 files
Max locked memory 4096 8192 bytes
Max address space 1000000000 2000000000 bytes
Max file locks 7 8 locks
Max pending signals 10 20 signals
Max msgqueue size 100 200 bytes
Max nice priority 0 0
Max realtime priority 0 0
Max realtime timeout 1000 2000 us
`
	flavours(t, func(t *testing.T, f Flavour) {
		if diff := cmp.Diff(want, tree(t, "limits", f, "").Out); diff != "" {
			t.Error(diff)
		}
	})
}

func everyLimit(m *manager) error {
	s := Spec{Path: "/bin/cat", Args: []string{"cat", "/proc/self/limits"}, Limits: []Limit{
		{unix.RLIMIT_CPU, 100, 200}, {unix.RLIMIT_FSIZE, 1 << 20, 2 << 20}, {unix.RLIMIT_DATA, 100000000, Infinity},
		{unix.RLIMIT_STACK, 4 << 20, 8 << 20}, {unix.RLIMIT_CORE, 0, 4096}, {unix.RLIMIT_RSS, 5, 6},
		{unix.RLIMIT_NPROC, 50, 60}, {unix.RLIMIT_NOFILE, 8, 30}, {unix.RLIMIT_MEMLOCK, 4096, 8192},
		{unix.RLIMIT_AS, 1e9, 2e9}, {unix.RLIMIT_LOCKS, 7, 8}, {unix.RLIMIT_SIGPENDING, 10, 20},
		{unix.RLIMIT_MSGQUEUE, 100, 200}, {unix.RLIMIT_NICE, 0, 0}, {unix.RLIMIT_RTPRIO, 0, 0}, {unix.RLIMIT_RTTIME, 1000, 2000},
	}}
	out, err := output(s, m.start)
	if err != nil {
		return err
	}
	squeezed(out)
	// No more descriptors than the standard ones: once that is in force the
	// list opens nothing more.
	zero := 0
	return m.start(Spec{Path: "/bin/true", OOMScoreAdjust: &zero, Limits: []Limit{{unix.RLIMIT_NOFILE, 3, 3}}})
}

// Policy, nice value, processors and class of reads and writes, as the kernel
// shows them of the process, and that nothing of it reaches the caller.
func TestScheduling(t *testing.T) {
	needsRoot(t)
	needs(t, "/bin/cat")
	want := strings.Join([]string{
		"policy 3 priority 0 nice 7 cpus 1 io 2:6", "policy 1 priority 10 nice 0 cpus 1 io 1:3",
		"policy 5 priority 0 nice 3 cpus 1 io 3:0", "policy 2 priority 99 nice 0 cpus 1 io 0:0",
		"policy 0 priority 0 nice -20 cpus 1 io 2:0", "cpus: invalid argument", "scheduler fifo 100: invalid argument",
		"io priority 4:0: invalid argument", "untouched", ""}, "\n")
	flavours(t, func(t *testing.T, f Flavour) {
		if diff := cmp.Diff(want, tree(t, "sched", f, "").Out); diff != "" {
			t.Error(diff)
		}
	})
}

func schedulings(m *manager) error {
	before, err := seenScheduling(os.Getpid())
	if err != nil {
		return err
	}
	nice := func(n int) *int { return &n }
	for _, s := range []Spec{
		{Scheduler: &Scheduler{unix.SCHED_BATCH, 0}, Nice: nice(7), IO: &IOPriority{2, 6}},
		{Scheduler: &Scheduler{unix.SCHED_FIFO, 10}, IO: &IOPriority{1, 3}},
		{Scheduler: &Scheduler{unix.SCHED_IDLE, 0}, Nice: nice(3), IO: &IOPriority{3, 0}},
		{Scheduler: &Scheduler{unix.SCHED_RR, 99}},
		{Scheduler: &Scheduler{unix.SCHED_NORMAL, 0}, Nice: nice(-20), IO: &IOPriority{2, 0}, Credential: &Credential{UID: 1234, GID: 1234}},
		{CPUs: []int{1023}},
		{Scheduler: &Scheduler{unix.SCHED_FIFO, 100}},
		{IO: &IOPriority{4, 0}},
	} {
		s.Path = "/bin/cat"
		if s.CPUs == nil {
			s.CPUs = []int{0}
		}
		if err := m.look(s); err != nil {
			fmt.Println(err)
		}
	}
	after, err := seenScheduling(os.Getpid())
	if err == nil && before == after {
		fmt.Println("untouched")
	}
	return err
}

// look starts a process that lives as long as its standard input, and prints
// its scheduling.
func (m *manager) look(s Spec) error {
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	defer r.Close()
	defer w.Close()
	s.Files = []File{{Child: 0, FD: int(r.Fd())}}
	if err := m.start(s); err != nil {
		return err
	}
	seen, err := seenScheduling(m.slots[0].Started())
	fmt.Println(seen)
	return err
}

// seenScheduling is what the kernel says of the first thread of a process.
func seenScheduling(pid int) (string, error) {
	a, err := unix.SchedGetAttr(pid, 0)
	if err != nil {
		return "", err
	}
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(pid, &set); err != nil {
		return "", err
	}
	const whoProcess = 1
	io, _, errno := unix.Syscall(unix.SYS_IOPRIO_GET, whoProcess, uintptr(pid), 0)
	if errno != 0 {
		return "", errno
	}
	return fmt.Sprintf("policy %d priority %d nice %d cpus %d io %d:%d",
		a.Policy, a.Priority, a.Nice, set.Count(), io>>13, io&7), nil
}

// What the kernel shows of capabilities after the exec: of root, of a user with
// and without ambient ones, and where nothing is said.
func TestCapabilities(t *testing.T) {
	needsRoot(t)
	needs(t, "/bin/grep")
	const none, net, two = "0000000000000000", "0000000000002000", "0000000000002001"
	want := strings.Join([]string{
		"CapInh: " + two, "CapPrm: " + two, "CapEff: " + two, "CapBnd: " + two, "CapAmb: " + none, "NoNewPrivs: 0",
		"CapInh: " + none, "CapPrm: " + none, "CapEff: " + none, "CapBnd: " + none, "CapAmb: " + none, "NoNewPrivs: 1",
		"CapInh: " + two, "CapPrm: " + none, "CapEff: " + none, "CapBnd: " + two, "CapAmb: " + none, "NoNewPrivs: 0",
		"CapInh: " + two, "CapPrm: " + net, "CapEff: " + net, "CapBnd: " + two, "CapAmb: " + net, "NoNewPrivs: 1",
		"CapInh: " + none, "CapPrm: " + none, "CapEff: " + none, "CapBnd: " + none, "CapAmb: " + none, "NoNewPrivs: 0",
		"CapInh: " + net, "CapPrm: " + net, "CapEff: " + net, "CapBnd: same", "CapAmb: " + net, "NoNewPrivs: 0",
		"inside", "chdir: permission denied", "untouched", "",
	}, "\n")
	flavours(t, func(t *testing.T, f Flavour) {
		dir := t.TempDir()
		if err := os.Chmod(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, tree(t, "caps", f, dir).Out); diff != "" {
			t.Error(diff)
		}
	})
}

func capabilitySets(m *manager) error {
	before, err := capabilityLines("/proc/self/status")
	if err != nil {
		return err
	}
	user := &Credential{UID: 1234, GID: 1234}
	chownAndRaw, raw := []int{unix.CAP_CHOWN, unix.CAP_NET_RAW}, []int{unix.CAP_NET_RAW}
	for _, s := range []Spec{
		{Capabilities: chownAndRaw},
		{Capabilities: []int{}, NoNewPrivileges: true},
		{Capabilities: chownAndRaw, Credential: user},
		{Capabilities: chownAndRaw, Credential: user, Ambient: raw, NoNewPrivileges: true},
		{Capabilities: []int{}, Credential: user},
		{Credential: user, Ambient: raw},
	} {
		s.Path, s.Args = "/bin/grep", []string{"grep", "^Cap\\|^NoNew", "/proc/self/status"}
		out, err := output(s, m.start)
		if err != nil {
			return err
		}
		for line := range strings.Lines(before) {
			if strings.HasPrefix(line, "CapBnd") {
				out = strings.Replace(out, line, "CapBnd: same\n", 1)
			}
		}
		squeezed(out)
	}
	// The directory is entered with the rights that the process will have.
	in := Spec{Path: "/bin/true", Dir: m.arg, Credential: user, Capabilities: []int{unix.CAP_DAC_OVERRIDE}}
	if err := m.start(in); err != nil {
		return err
	}
	fmt.Println("inside")
	in.Capabilities = []int{}
	fmt.Println(strings.Replace(fmt.Sprint(m.start(in)), " "+m.arg, "", 1))
	after, err := capabilityLines("/proc/self/status")
	if err == nil && before == after {
		fmt.Println("untouched")
	}
	return err
}

func capabilityLines(file string) (string, error) {
	b, err := os.ReadFile(file)
	var keep string
	for line := range strings.Lines(string(b)) {
		if strings.HasPrefix(line, "Cap") || strings.HasPrefix(line, "NoNew") {
			keep += line
		}
	}
	return keep, err
}
