package boot

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	goruntime "runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/supervisor"
	"github.com/orderly-init/orderly/targets"
)

func compare(t *testing.T, want, got string) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func sceneEarly(report io.Writer) {
	fmt.Fprintf(report, "notes %q\n", Early())
	for _, m := range readMounts() {
		fmt.Fprintln(report, m.kind, m.point)
	}
	before := len(readMounts())
	fmt.Fprintf(report, "again %q, %d more mounts\n", Early(), len(readMounts())-before)
	for _, path := range []string{"/dev/null", "/dev/urandom", "/dev/ptmx"} {
		fmt.Fprintln(report, path, isDevice(path))
	}
	to, err := os.Readlink("/dev/fd")
	fmt.Fprintln(report, to, err)
	for _, path := range []string{"/run", "/dev/shm"} {
		st, err := os.Stat(path)
		fmt.Fprintln(report, path, st.Mode(), err)
	}
	fmt.Fprintf(report, "umask %04o ours %v\n", unix.Umask(0), ours())
}

func TestEarlyInAnEmptyRoot(t *testing.T) {
	got, _ := perform(t, "early")
	compare(t, `notes []
tmpfs /
proc /proc
sysfs /sys
devtmpfs /dev
devpts /dev/pts
tmpfs /dev/shm
tmpfs /run
cgroup2 /sys/fs/cgroup
again [], 0 more mounts
/dev/null true
/dev/urandom true
/dev/ptmx true
/proc/self/fd <nil>
/run drwxr-xr-x <nil>
/dev/shm dtrwxrwxrwx <nil>
umask 0022 ours false
`, got)
}

// sceneReadOnly has no mount point, and none can be made.
func sceneReadOnly(report io.Writer) {
	if err := unix.Mount("", "/", "", unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
		fmt.Fprintln(report, err)
	}
	for _, n := range Early() {
		fmt.Fprintln(report, n)
	}
}

func TestEarlyWithoutMountPoints(t *testing.T) {
	got, status := perform(t, "read-only")
	if status.ExitStatus() != 0 {
		t.Errorf("status %v", status)
	}
	for _, part := range []string{"container: left as it is: mount proc on /proc: mkdir /proc: read-only file system; ",
		"mount tmpfs on /run: ", "mount cgroup2 on /sys/fs/cgroup: "} {
		if !strings.Contains(got, part) {
			t.Errorf("no %q in %q", part, got)
		}
	}
	if strings.Count(got, "\n") != 1 {
		t.Errorf("more than one line: %q", got)
	}
}

// sceneClosed starts without descriptors 0 to 2, and without a console that could be opened.
func sceneClosed(report io.Writer) {
	Early()
	unix.Unmount("/dev/shm", 0)
	unix.Unmount("/dev/pts", 0)
	unix.Unmount("/dev", unix.MNT_DETACH)
	fmt.Fprintln(report, "own devices:", makeDevices())
	os.Remove("/dev/console")
	for fd := range 3 {
		unix.Close(fd)
	}
	fmt.Fprintln(report, openStandard(true))
	for fd := range 3 {
		to, err := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", fd))
		fmt.Fprintln(report, fd, to, err)
	}
	unix.Close(1)
	fmt.Fprintln(report, openStandard(false))
	to, err := os.Readlink("/proc/self/fd/1")
	fmt.Fprintln(report, to, err)
}

func TestStandardDescriptors(t *testing.T) {
	got, _ := perform(t, "closed")
	compare(t, `own devices: <nil>
open /dev/console: no such file or directory
0 /dev/null <nil>
1 /dev/null <nil>
2 /dev/null <nil>
<nil>
/dev/null <nil>
`, got)
}

// sceneMountless may make devices, but mount nothing: as with a kernel that has neither devtmpfs nor file systems in memory.
func sceneMountless(report io.Writer) {
	goruntime.LockOSThread()
	head := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var caps [2]unix.CapUserData
	err := unix.Capget(&head, &caps[0])
	caps[0].Effective &^= 1 << unix.CAP_SYS_ADMIN
	fmt.Fprintln(report, errors.Join(err, unix.Capset(&head, &caps[0]), os.Mkdir("/dev", 0o755)))
	fmt.Fprintln(report, makeDevices())
	for _, d := range defaultDevices() {
		if !isDevice("/dev/" + d.name) {
			fmt.Fprintln(report, "no", d.name)
		}
	}
}

func TestDevicesWithoutAnyMount(t *testing.T) {
	got, _ := perform(t, "mountless")
	compare(t, "<nil>\nmount tmpfs on /dev: operation not permitted\n", got)
}

// mount makes the system calls of one mount.
func mount(m targets.Mount) error {
	flags, again, share, data := MountCalls(m.Options)
	if flags&unix.MS_REMOUNT == 0 {
		os.MkdirAll(m.Target, 0o755)
	}
	if err := unix.Mount(m.Source, m.Target, m.Type, flags, data); err != nil {
		return err
	}
	if again != 0 {
		if err := unix.Mount("", m.Target, "", again, ""); err != nil {
			return err
		}
	}
	if share == 0 {
		return nil
	}
	return unix.Mount("", m.Target, "", share, "")
}

func sceneUp(report io.Writer) {
	Early()
	os.MkdirAll("/etc", 0o755)
	os.WriteFile("/etc/machine-id", nil, 0o444)
	os.WriteFile("/file", []byte("x"), 0o644)
	o := Options{
		System: targets.System{
			Hostname: "scene", MachineID: "transient", Modules: []string{"virtio_net"},
			Sysctl: []targets.Setting{{Key: "net.ipv4.ip_forward", Value: "1"}, {Key: "net.no.such", Value: "1"}},
			Mounts: []targets.Mount{
				{Source: "tmpfs", Target: "/a/b c", Type: "tmpfs", Options: "size=1m,nosuid"},
				{Source: "/a", Target: "/bound", Type: "none", Options: "rbind,ro,noexec"},
				{Source: "/file", Target: "/other", Type: "none", Options: "bind"},
				{Source: "tmpfs", Target: "/a/b c", Type: "tmpfs", Options: "remount,ro"},
				{Source: "none", Target: "/none", Type: "nosuchfs"},
			},
		},
		Mount: func(_ context.Context, m targets.Mount) error { return mount(m) },
		Say:   func(level targets.Level, text string) { fmt.Fprintln(report, level, text) },
	}
	Up(context.Background(), o)
	for range 2 { // again: a manager that died on the way
		o.Say = func(targets.Level, string) {}
		Up(context.Background(), o)
	}
	for _, m := range readMounts()[8:] {
		fmt.Fprintf(report, "%s %q %v\n", m.kind, m.point, m.readOnly)
	}
	for _, path := range []string{"/proc/sys/kernel/hostname", "/proc/sys/net/ipv4/ip_forward", "/sys/class/net/lo/flags", "/other"} {
		b, _ := os.ReadFile(path)
		fmt.Fprintf(report, "%s %q\n", path, b)
	}
	fmt.Fprintln(report, os.WriteFile("/bound/new", nil, 0o600))
	b, _ := os.ReadFile("/etc/machine-id")
	fmt.Fprintln(report, isMachineID(firstLine(string(b))))
}

func TestUp(t *testing.T) {
	got, _ := perform(t, "up")
	compare(t, `2 sysctl net.no.such: open /proc/sys/net/no/such: no such file or directory
2 mount /none: none, nosuchfs: no such device
0 kernel modules: left to the host of this container
tmpfs "/a/b c" true
tmpfs "/bound" false
tmpfs "/bound/b c" true
tmpfs "/other" false
tmpfs "/etc/machine-id" false
/proc/sys/kernel/hostname "scene\n"
/proc/sys/net/ipv4/ip_forward "1\n"
/sys/class/net/lo/flags "0x9\n"
/other "x"
open /bound/new: read-only file system
true
`, got)
}

func sceneUnmount(report io.Writer) {
	Early()
	for _, m := range []targets.Mount{
		{Source: "1", Target: "/data", Type: "tmpfs"},
		{Source: "2", Target: "/data", Type: "tmpfs"},
		{Source: "3", Target: "/data/in\nside", Type: "tmpfs"},
		{Source: "/data", Target: "/bound", Options: "rbind"},
		{Source: "4", Target: "/run/media", Type: "tmpfs"},
		{Source: "5", Target: "/busy", Type: "tmpfs"},
		{Source: "6", Target: "/busy/under", Type: "tmpfs"},
		{Source: "proc", Target: "/jail/proc", Type: "proc"},
	} {
		if err := mount(m); err != nil {
			fmt.Fprintln(report, err)
		}
	}
	busy, _ := os.Create("/busy/file")
	d := &down{voice: NewVoice(report), hung: map[string]bool{}, key: func(string) error { return nil }}
	d.detachAll()
	for _, m := range d.mountsLeft() {
		fmt.Fprintln(report, "left", m.point)
	}
	busy.Close()
	d.detachAll()
	d.readOnly()
	d.voice.Drain(time.Minute)
	for _, m := range readMounts() {
		fmt.Fprintln(report, m.point)
	}
}

func TestUnmount(t *testing.T) {
	got, _ := perform(t, "unmount")
	compare(t, "left /busy\n/\n/proc\n/sys\n/dev\n/dev/pts\n/dev/shm\n/run\n/sys/fs/cgroup\n", got)
}

// sleep is a child that does not want to end.
func sleep() error {
	signal.Ignore(unix.SIGTERM, unix.SIGHUP)
	fmt.Println("ready")
	for {
		unix.Pause()
	}
}

// start runs a child of a scene until it says that it is ready.
func start(argv []string, env ...string) error {
	c := exec.Command(argv[0], argv[1:]...)
	c.Env = env
	out, err := c.StdoutPipe()
	if err != nil {
		return err
	}
	if err := c.Start(); err != nil {
		return err
	}
	_, err = out.Read(make([]byte, 1))
	return err
}

// reap is what the keeper does all the time.
func reap() {
	for {
		if _, err := unix.Wait4(-1, nil, 0, nil); err == unix.ECHILD {
			return
		}
	}
}

func sceneDown(report io.Writer) {
	err := start([]string{"/proc/self/exe", "-test.run=^$"}, sceneVariable+"=sleeper")
	fmt.Fprintln(report, err, ours(), len(processes()))
	go reap()
	Down(DownOptions{End: supervisor.Reboot, Grace: 50 * time.Millisecond, Voice: report})
}

func TestDown(t *testing.T) {
	got, status := perform(t, "down")
	for _, part := range []string{"<nil> false 1\norderly: ending what is left: ", "\norderly: killing what is left: ", "\norderly: reboot\n"} {
		if !strings.Contains(got, part) {
			t.Errorf("no %q in %q", part, got)
		}
	}
	// the first process of a PID namespace that calls reboot(2) ends by SIGHUP (pid_namespaces(7))
	if !status.Signaled() || status.Signal() != syscall.SIGHUP {
		t.Errorf("status %#x", status)
	}
}

// sceneStubborn has nobody who reaps, and a process that SIGTERM ends: its zombie must not be waited for.
func sceneStubborn(report io.Writer) {
	fmt.Fprintln(report, start([]string{"/bin/sh", "-c", "trap 'exit 0' TERM; echo ready; while :; do read x || sleep 1; done"}))
	began := time.Now()
	go func() {
		Down(DownOptions{End: supervisor.Poweroff, Grace: time.Minute, Voice: report})
	}()
	for time.Since(began) < 50*time.Second {
		unix.Pause()
	}
	fmt.Fprintln(report, "waited for a zombie")
}

func TestDownWithoutReaper(t *testing.T) {
	got, status := perform(t, "stubborn")
	if strings.Contains(got, "zombie") || !strings.HasPrefix(got, "<nil>\n") || !strings.HasSuffix(got, "orderly: power off\n") {
		t.Errorf("got %q", got)
	}
	if !status.Signaled() || status.Signal() != syscall.SIGINT {
		t.Errorf("status %#x", status)
	}
}
