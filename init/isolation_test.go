package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// prey is what an attack is to reach outside of its container.
type prey struct {
	file, name string
	pid, ring  int
}

// breakout builds the program that attacks, and what it attacks.
func breakout(t *testing.T) (program string, p prey) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
	program = filepath.Join(t.TempDir(), "breakout")
	build := exec.Command("go", "build", "-trimpath", "-o", program, "./testdata/breakout")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build breakout: %v\n%s", err, out)
	}
	p.file = filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(p.file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	victim := exec.Command("sleep", "1000")
	if err := victim.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		victim.Process.Kill()
		victim.Wait()
	})
	p.pid, p.name = victim.Process.Pid, "@orderly-breakout-"+strconv.Itoa(os.Getpid())+"-"+filepath.Base(t.Name())
	l, err := net.Listen("unix", p.name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return program, p
}

// ownRing gives the thread, and what it starts, a session keyring of a number that is known.
func ownRing(t *testing.T) int {
	t.Helper()
	runtime.LockOSThread() // for good: the thread ends with the test
	ring, err := unix.KeyctlJoinSessionKeyring("orderly-breakout")
	if err != nil {
		t.Log("no keyrings:", err)
		return 0
	}
	return ring
}

func (p *prey) environment() []string {
	return []string{"HOST_FILE=" + p.file, "HOST_PID=" + strconv.Itoa(p.pid), "HOST_RING=" + strconv.Itoa(p.ring), "HOST_NAME=" + p.name}
}

// out are the attacks that got out, by what they printed: names, in order. All must have been tried.
func out(t *testing.T, printed string) (names []string) {
	t.Helper()
	for line := range strings.Lines(printed) {
		words := strings.Fields(line)
		if i := slices.Index(words, "OUT:"); i > 0 {
			names = append(names, words[i-1])
		}
	}
	if !strings.Contains(printed, "end of ") {
		t.Errorf("not all attacks were tried")
	}
	slices.Sort(names)
	return names
}

// lord is root of a user namespace, with all that it can have there: it rules over what is its own, the masks too, and nothing else.
const lord = `
container.namespaces = ["user", "pid", "mount", "uts", "ipc", "net", "cgroup"]
security = { seccomp = "none", no_new_privileges = false, capabilities = ["sys_admin", "sys_ptrace", "sys_chroot", "net_admin", "mknod", "dac_override", "dac_read_search", "sys_module", "sys_rawio", "sys_time", "sys_boot", "syslog", "bpf", "perfmon", "kill", "setuid", "setgid", "setpcap", "sys_resource", "fowner", "chown"] }`

// TestIsolation runs every attack in containers of several kinds. What a container may do by its configuration is
// written beside it; nothing else may succeed.
func TestIsolation(t *testing.T) {
	t.Parallel()
	lookAtSources()
	program, p := breakout(t)
	for _, kind := range []struct {
		name, config string
		may          []string
	}{
		{"default", "", nil},
		// what the filter is for
		{"overlay", `container.overlay = "tmpfs"`, nil},
		{"network", `container.network = "host"`, []string{"abstract-socket"}},
		{"user", `container.namespaces = ["user", "pid", "mount", "uts", "ipc", "net", "cgroup"]`, nil},
		{"lord", lord, strings.Fields("attributes bind fsopen host-name io-uring mount-binfmt_misc mount-cgroup2 mount-devpts mount-mqueue " +
			"mount-namespace mount-overlay mount-proc mount-tmpfs network pivot reboot remount remount-root tree unmask user-namespace")},
		{"unfiltered", `security.seccomp = "none"`, []string{"io-uring", "user-namespace"}},
	} {
		t.Run(kind.name, func(t *testing.T) {
			printed := attacked(t, program, p, kind.config)
			if diff := cmp.Diff(kind.may, out(t, printed)); diff != "" {
				t.Errorf("%s\n%s", diff, printed)
			}
		})
	}
}

// attacked starts a container whose program attacks, with another one beside it and commands that enter it, and returns
// what it prints.
func attacked(t *testing.T, program string, p prey, config string) string {
	t.Helper()
	p.ring = ownRing(t)
	root := rootWith(t, program)
	if err := unix.Mknod(filepath.Join(root, "planted"), unix.S_IFCHR|0o666, int(unix.Mkdev(1, 11))); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(root, "planted"), 0o666); err != nil {
		t.Fatal(err)
	}
	var env strings.Builder
	for _, e := range p.environment() {
		name, value, _ := strings.Cut(e, "=")
		fmt.Fprintf(&env, "environment.%s = %q\n", name, value)
	}
	r := supervise(t, fmt.Sprintf(`
initial_target = "all"
[component.attacker]
command = ["/breakout"]
kind = "oneshot"
start_timeout = "60s"
container.rootfs = %q
%s
%s
[target.all]
depends_on = ["attacker"]
`, root, env.String(), config))
	deadline := time.Now().Add(time.Minute)
	for {
		printed := r.log("attacker")
		if strings.Contains(printed, "end of ") || time.Now().After(deadline) {
			return printed
		}
		r.enter("attacker", "/breakout", "idle")
	}
}

// enter runs a command in a container; what comes of it is the container's affair.
func (r *running) enter(name string, command ...string) {
	c := exec.Command(binary, append([]string{"enter", name}, command...)...)
	c.Env = append(os.Environ(), "ORDERLY_CONTROL="+r.path)
	_ = c.Run()
}

// log is what a component has printed.
func (r *running) log(name string) string {
	c := exec.Command(binary, "log", name)
	c.Env = append(os.Environ(), "ORDERLY_CONTROL="+r.path, "NO_COLOR=1")
	b, err := c.CombinedOutput()
	if err != nil {
		r.Logf("log: %v\n%s", err, b)
	}
	return string(b)
}

// rootWith is a root of a container that has a program and nothing else.
func rootWith(t *testing.T, program string) string {
	t.Helper()
	root := t.TempDir()
	if out, err := exec.Command("cp", program, root).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if err := os.Chmod(root, 0o755); err != nil {
		t.Fatal(err)
	}
	return root
}

// A script whose interpreter is /proc/self/exe is executed by what starts the container's programs: Orderly. Its file, seen in
// the container then, cannot be changed there.
func TestOwnBinaryInContainer(t *testing.T) {
	t.Parallel()
	lookAtSources()
	program, _ := breakout(t)
	root := rootWith(t, program)
	if err := os.WriteFile(filepath.Join(root, "script"), []byte("#!/proc/self/exe\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	r := supervise(t, fmt.Sprintf(`
initial_target = "all"
[component.watcher]
command = ["/breakout", "binary"]
ready = { command = ["/script"], poll_interval = "1ms" }
recovery = { attempts = 0, then = "stop" }
container.rootfs = %q
[target.all]
wants = ["watcher"]
`, root))
	printed := ""
	r.until("the end of its look", func() bool {
		r.enter("watcher", "/script")
		printed = r.log("watcher")
		return strings.Contains(printed, "end of ")
	})
	if !strings.Contains(printed, "binary held: read-only file system") {
		t.Error(printed)
	}
}

// The attacks get out where nothing keeps them in: of what is held in a container, these are shown to be held by it. It is in a
// mount namespace of its own, so that nothing of the machine changes.
func TestAttacksSucceedOutside(t *testing.T) {
	t.Parallel()
	program, p := breakout(t)
	p.ring = ownRing(t)
	c := exec.Command(program)
	c.Env = append(os.Environ(), p.environment()...)
	c.SysProcAttr = &unix.SysProcAttr{Unshareflags: unix.CLONE_NEWNS}
	b, err := c.Output()
	if err != nil {
		t.Fatal(err)
	}
	got := out(t, string(b))
	for _, name := range strings.Fields("above chroot links handle binary core-pattern panic oom-up bind tree fsopen mount-proc mount-sysfs mount-cgroup2 " +
		"mount-tmpfs mount-devpts mount-overlay signal see pidfd ptrace read-memory limits priority newcomers time host-name reboot " +
		"swap accounting kernel-log perf bpf userfault io-uring notify-all network device-kmsg disks join user-namespace mount-namespace " +
		"group-above group-control abstract-socket keyring") {
		if slices.Contains(got, name) {
			continue
		}
		_, why, _ := strings.Cut(string(b), name+" held: ")
		why, _, _ = strings.Cut(why, "\n")
		switch why {
		case "nothing there", "function not implemented", "no such file or directory", "no such device":
			t.Logf("%s: not shown on this machine: %s", name, why)
		default:
			t.Errorf("%s does not get out where nothing holds it: %s", name, why)
		}
	}
}

// Who enters a container gives it the own terminal, but not the keyboard: what is typed there when the program has ended is for
// the shell outside.
func TestEnterCannotType(t *testing.T) {
	t.Parallel()
	lookAtSources()
	program, _ := breakout(t)
	slave := terminalPair(t)
	run := func(path string, args ...string) string {
		c := exec.Command(path, args...)
		c.Stdin = slave
		c.SysProcAttr = &unix.SysProcAttr{Setsid: true, Setctty: true}
		b, err := c.CombinedOutput()
		if err != nil {
			t.Errorf("%v\n%s", err, b)
		}
		return string(b)
	}
	if out := run(program, "type"); !strings.Contains(out, "type OUT: ") {
		t.Skip("the kernel lets nobody type:", out)
	}
	r := supervise(t, fmt.Sprintf(`
initial_target = "all"
[component.box]
command = ["/breakout", "wait"]
stop_timeout = "100ms"
container = { rootfs = %q, init = true }
[target.all]
depends_on = ["box"]
`, rootWith(t, program)))
	r.awaits("all", 20*time.Second)
	if out := run(binary, "--control", r.path, "enter", "box", "/breakout", "type"); !strings.Contains(out, "type held: operation not permitted") {
		t.Error(out)
	}
}

func terminalPair(t *testing.T) (slave *os.File) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { master.Close() })
	if err := unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	if slave, err = os.OpenFile("/dev/pts/"+strconv.Itoa(n), os.O_RDWR|unix.O_NOCTTY, 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { slave.Close() })
	return slave
}
