package cgroups

import (
	"errors"
	"os"
	"path/filepath"
	goruntime "runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// spareController is one that the test's group has, and whose being passed on disturbs nobody; the test is skipped where there is none.
func spareController(t *testing.T, dir string) string {
	t.Helper()
	for _, c := range []string{"hugetlb", "misc", "rdma", "pids"} {
		if slices.Contains(words(dir, "cgroup.controllers"), c) {
			return c
		}
	}
	t.Skip("needs a controller of cgroup v2")
	return ""
}

// TestVacate: a directory with processes passes nothing on, until they have made room; at the end all is as it was.
func TestVacate(t *testing.T) {
	outer := tree(t)
	controller := spareController(t, outer.mount)
	had := slices.Contains(words(filepath.Dir(outer.Path), "cgroup.subtree_control"), controller)
	if err := outer.Enable([]string{controller}); err != nil {
		t.Skipf("needs a delegated controller: %v", err)
	}
	if !had {
		t.Cleanup(func() {
			for _, dir := range []string{outer.Path, filepath.Dir(outer.Path)} {
				if err := os.WriteFile(filepath.Join(dir, "cgroup.subtree_control"), []byte("-"+controller), 0); err != nil {
					t.Error(err)
				}
			}
		})
	}
	pid := sleeper(t, outer, "host") // with a child
	host := filepath.Join(outer.Path, "host")
	place := Place{Mount: outer.mount, Root: "/", Own: host}
	tr, err := place.Open(filepath.Join(host, "orderly-1"))
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	if err := tr.Enable([]string{controller}); !errors.Is(err, ErrCrowded) || !strings.Contains(err.Error(), controller) || !strings.Contains(err.Error(), host) {
		t.Fatalf("enable beside processes: %v", err)
	}
	if err := tr.Vacate(func(n int) bool { return n == pid }); err == nil || !strings.Contains(err.Error(), "1 other processes") {
		t.Fatalf("vacate beside a stranger: %v", err)
	}
	if err := tr.Vacate(func(int) bool { return true }); err != nil {
		t.Fatal(err)
	}
	if err := tr.Enable([]string{controller}); err != nil {
		t.Fatal(err)
	}
	if got := words(tr.Path, "cgroup.subtree_control"); !slices.Contains(got, controller) {
		t.Errorf("the tree passes on %v", got)
	}
	if got := Of(pid); !strings.HasSuffix(got, "/host/orderly-1.self") {
		t.Errorf("the process is in %s", got)
	}
	if err := errors.Join(tr.RemoveAll(), tr.Return()); err != nil {
		t.Fatal(err)
	}
	if got := Of(pid); !strings.HasSuffix(got, "/host") {
		t.Errorf("the process is back in %s", got)
	}
	unix.Kill(pid, unix.SIGKILL)
	if err := outer.Kill("host"); err != nil {
		t.Fatal(err)
	}
	w, err := NewWatch(outer)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if err := w.Add("host"); err != nil {
		t.Fatal(err)
	}
	for full := true; full; full, _ = outer.Populated("host") {
		unix.Poll([]unix.PollFd{{Fd: int32(w.FD), Events: unix.POLLIN}}, 10_000)
		w.Changed()
	}
}

// TestTold: what has been told of a group is gone with it.
func TestTold(t *testing.T) {
	tr := tree(t)
	make := func() {
		fd, err := tr.Make("svc")
		if err != nil {
			t.Fatal(err)
		}
		unix.Close(fd)
	}
	make()
	want := Kills{Killed: 3, Own: 2, Below: 4, Forks: 1 << 40}
	tr.Tell("svc", want)
	if got := tr.Told("svc"); got != want {
		if errors.Is(unix.Setxattr(filepath.Join(tr.Path, "svc"), toldMark, []byte("0"), 0), unix.EOPNOTSUPP) {
			t.Skip("needs Linux 5.7: user attributes of groups")
		}
		t.Errorf("%+v, want %+v", got, want)
	}
	if got := want.Since(Kills{1, 1, 1, 1}); got != (Kills{2, 1, 3, 1<<40 - 1}) {
		t.Errorf("since: %+v", got)
	}
	if err := tr.Remove("svc"); err != nil {
		t.Fatal(err)
	}
	make()
	if got := tr.Told("svc"); got != (Kills{}) {
		t.Errorf("told of a new group: %+v", got)
	}
}

// TestTrigger: a pressure is told of by a priority event, and the end of the group by an error.
func TestTrigger(t *testing.T) {
	tr := tree(t)
	fd, err := tr.Make("svc")
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	trigger, err := tr.Trigger("svc", Trigger{Resource: "cpu", Stall: time.Millisecond, Window: 2 * time.Second})
	if err != nil {
		t.Skipf("needs pressure stall information: %v", err)
	}
	defer unix.Close(trigger)
	if _, err := tr.Trigger("svc", Trigger{Resource: "memory", Stall: 2 * time.Second, Window: time.Second}); err == nil ||
		err.Error() != "write memory.pressure of svc: invalid argument" {
		t.Errorf("a stall longer than its window: %v", err)
	}
	if Gone(trigger) {
		t.Error("the group is said to be gone")
	}
	// more that want a processor than there are
	for range 2 * goruntime.NumCPU() {
		busy(t, fd)
	}
	fds := []unix.PollFd{{Fd: int32(trigger), Events: unix.POLLPRI}}
	n := 0
	for n, err = unix.Poll(fds, 20_000); err == unix.EINTR; n, err = unix.Poll(fds, 20_000) {
	}
	if n != 1 || err != nil || fds[0].Revents&unix.POLLPRI == 0 {
		t.Errorf("no priority event: %d, %v, %#x", n, err, fds[0].Revents)
	}
	s := tr.Stat("svc")
	if p := s.Pressure.CPU; p == nil || p.Some.Total == 0 || s.CPU.Usage == 0 {
		t.Errorf("statistics: %+v", s)
	}
	if err := tr.Kill("svc"); err != nil {
		t.Fatal(err)
	}
	w, err := NewWatch(tr)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if err := w.Add("svc"); err != nil {
		t.Fatal(err)
	}
	awaitEmpty(t, tr, w)
	if err := tr.Remove("svc"); err != nil {
		t.Fatal(err)
	}
	if !Gone(trigger) {
		t.Error("the group is gone, and that is not told")
	}
}

// busy starts a program in a group that uses a processor without end.
func busy(t *testing.T, group int) {
	t.Helper()
	p, err := os.StartProcess("/bin/sh", []string{"sh", "-c", "while :; do :; done"}, &os.ProcAttr{
		Sys: &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: group},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Kill(); p.Wait() })
}

// TestThreaded: below a threaded group no process can be; that is said when the tree is opened, not at each start.
func TestThreaded(t *testing.T) {
	tr := tree(t)
	dir := filepath.Join(tr.Path, "outer/threaded")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "cgroup.type"), []byte("threaded"), 0); err != nil {
		t.Skipf("needs threaded groups: %v", err)
	}
	place := Place{Mount: tr.mount, Root: "/", Own: dir}
	other, err := place.Open(filepath.Join(dir, "orderly"))
	if err == nil {
		other.Close()
		t.Fatal("a tree is opened below a threaded group")
	}
	if want := dir + " is threaded: no group below it can have a process of its own"; err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
	if _, err := os.Stat(filepath.Join(dir, "orderly")); err == nil {
		t.Error("its directory is left behind")
	}
}
