package cgroups

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// tree makes a tree of the test's own below the test's group.
func tree(t *testing.T) *Tree {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root: makes cgroups")
	}
	place, err := Hierarchy()
	if err != nil {
		t.Skipf("needs cgroup v2: %v", err)
	}
	tr, err := place.Open(filepath.Join(place.Own, "orderly-test-"+strconv.Itoa(os.Getpid())))
	if err != nil {
		t.Skipf("needs a writable cgroup v2 tree: %v", err)
	}
	t.Cleanup(func() {
		if err := tr.RemoveAll(); err != nil {
			t.Errorf("clean up: %v", err)
		}
		tr.Close()
	})
	return tr
}

// sleeper starts a shell with a child in a group; both sleep.
func sleeper(t *testing.T, tr *Tree, name string) int {
	t.Helper()
	fd, err := tr.Make(name)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	p, err := os.StartProcess("/bin/sh", []string{"sh", "-c", "sleep 1000 & echo x; exec sleep 1000"}, &os.ProcAttr{
		Files: []*os.File{nil, w}, Sys: &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: fd},
	})
	if err != nil {
		t.Fatal(err)
	}
	w.Close()
	r.Read(make([]byte, 1)) // the child is there
	r.Close()
	t.Cleanup(func() { p.Kill(); p.Wait() })
	return p.Pid
}

func TestKillEmptiesTheGroupAndIsTold(t *testing.T) {
	tr := tree(t)
	pid := sleeper(t, tr, "svc")
	pids, err := tr.Processes("svc")
	if err != nil || len(pids) != 2 || !slices.Contains(pids, pid) {
		t.Fatalf("processes: %v, %v; want two with %d", pids, err, pid)
	}
	w, err := NewWatch(tr)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if err := w.Add("svc"); err != nil {
		t.Fatal(err)
	}
	if full, err := tr.Populated("svc"); !full || err != nil {
		t.Fatalf("populated: %v, %v; want true", full, err)
	}
	if err := tr.Remove("svc"); err == nil {
		t.Fatal("a group with processes was removed")
	}
	if err := tr.Kill("svc"); err != nil {
		t.Fatal(err)
	}
	awaitEmpty(t, tr, w)
	if err := tr.Remove("svc"); err != nil {
		t.Fatal(err)
	}
	if full, err := tr.Populated("svc"); full || err != nil {
		t.Fatalf("populated after removal: %v, %v", full, err)
	}
}

// TestMakeAfterKill: what is started in a group after it was killed lives, although the group was there all the time.
func TestMakeAfterKill(t *testing.T) {
	tr := tree(t)
	w, err := NewWatch(tr)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	for range 3 {
		pid := sleeper(t, tr, "svc")
		if err := w.Add("svc"); err != nil {
			t.Fatal(err)
		}
		if full, err := tr.Populated("svc"); !full || err != nil {
			t.Fatalf("populated: %v, %v; want true: %d lives", full, err, pid)
		}
		if err := tr.Kill("svc"); err != nil {
			t.Fatal(err)
		}
		awaitEmpty(t, tr, w)
		w.Remove("svc")
	}
}

// awaitFrozen waits until svc is frozen or not: that takes effect a little after it was written, and the watch tells.
func awaitFrozen(t *testing.T, tr *Tree, w *Watch, frozen bool) {
	t.Helper()
	for {
		is, err := tr.Frozen("svc")
		if err != nil {
			t.Fatal(err)
		}
		if is == frozen {
			return
		}
		fds := []unix.PollFd{{Fd: int32(w.FD), Events: unix.POLLIN}}
		if n, err := unix.Poll(fds, 10_000); n != 1 && err != unix.EINTR {
			t.Fatalf("frozen is %v: %d, %v", is, n, err)
		}
		w.Changed()
	}
}

// awaitEmpty waits until the watch has told that svc has no process.
func awaitEmpty(t *testing.T, tr *Tree, w *Watch) {
	t.Helper()
	for {
		full, err := tr.Populated("svc")
		if err != nil {
			t.Fatal(err)
		}
		if !full {
			return
		}
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(w.FD), Events: unix.POLLIN}}, 10_000)
		if err != nil && err != unix.EINTR || n == 0 && err == nil {
			t.Fatalf("svc is not empty after 10 s; %v", err)
		}
		if got, _ := w.Changed(); len(got) > 0 && got[0] != "svc" {
			t.Fatalf("changed: %v; want svc", got)
		}
	}
}

func TestRemoveTakesWhatAComponentMadeBelow(t *testing.T) {
	tr := tree(t)
	fd, err := tr.Make("svc")
	if err != nil {
		t.Fatal(err)
	}
	unix.Close(fd)
	if err := os.MkdirAll(filepath.Join(tr.Path, "svc/a/b"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := tr.Remove("svc"); err != nil {
		t.Fatal(err)
	}
	if names, err := tr.Names(); err != nil || len(names) != 0 {
		t.Fatalf("names: %v, %v; want none", names, err)
	}
}

func TestFreezeAndStatistics(t *testing.T) {
	tr := tree(t)
	sleeper(t, tr, "svc")
	w, err := NewWatch(tr)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if err := w.Add("svc"); err != nil {
		t.Fatal(err)
	}
	for _, frozen := range []bool{true, false} {
		if err := tr.Freeze("svc", frozen); err != nil {
			t.Fatal(err)
		}
		awaitFrozen(t, tr, w, frozen)
	}
	if cpu, err := tr.CPU("svc"); err != nil || cpu <= 0 {
		t.Fatalf("cpu: %v, %v; want some", cpu, err)
	}
	if memory, err := tr.Memory("svc"); err != nil || memory <= 0 {
		t.Fatalf("memory: %v, %v; want some", memory, err)
	}
	if err := tr.Kill("svc"); err != nil {
		t.Fatal(err)
	}
	awaitEmpty(t, tr, w)
}

func TestMissingGroup(t *testing.T) {
	tr := tree(t)
	if pids, err := tr.Processes("none"); err != nil || pids != nil {
		t.Fatalf("processes: %v, %v", pids, err)
	}
	if err := tr.Kill("none"); err != nil {
		t.Fatalf("kill: %v; want nil: nobody is there", err)
	}
	if err := tr.Remove("none"); err != nil {
		t.Fatal(err)
	}
}
