package ready

import (
	"os"
	goruntime "runtime"
	"testing"

	"golang.org/x/sys/unix"
)

// In a network namespace of its own lo is there and down; the kernel tells when it goes up.
func TestLinks(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("needs root for a network namespace")
	}
	elsewhere(t, testLinks)
}

// elsewhere runs f on a thread with a network namespace of its own, which ends with it. That is not the first thread: it does
// not end, and /proc/net shows what it sees.
func elsewhere(t *testing.T, f func(*testing.T)) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		goruntime.LockOSThread()
		if unix.Gettid() == os.Getpid() {
			defer goruntime.UnlockOSThread()
			elsewhere(t, f)
			return
		}
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			t.Logf("no network namespace: %v", err)
			return
		}
		f(t)
	}()
	<-done
}

func testLinks(t *testing.T) {
	fd, err := WatchLinks()
	if err != nil {
		t.Error(err)
		return
	}
	defer unix.Close(fd)
	if up, err := LinkUp("none0"); up || err != unix.ENODEV {
		t.Errorf("none0: %v, %v; want ENODEV", up, err)
	}
	if up, err := LinkUp("lo"); up || err != nil {
		t.Errorf("lo before: %v, %v; want down", up, err)
	}
	s, _ := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	defer unix.Close(s)
	ifr, _ := unix.NewIfreq("lo")
	ifr.SetUint16(unix.IFF_UP)
	if err := unix.IoctlIfreq(s, unix.SIOCSIFFLAGS, ifr); err != nil {
		t.Error(err)
		return
	}
	n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 10_000)
	if n != 1 {
		t.Errorf("the kernel told nothing: %v", err)
	}
	DrainLinks(fd)
	if up, err := LinkUp("lo"); !up || err != nil {
		t.Errorf("lo after: %v, %v; want up", up, err)
	}
}

// What the kernel makes up tells nothing of its changes.
func TestSilent(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]bool{"/proc/none": true, "/sys/class/none/x": true, t.TempDir() + "/x": false} {
		if got := Silent(path); got != want {
			t.Errorf("%s: %v", path, got)
		}
	}
}
