package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/control"
)

// state is that of the only component.
func (r *running) state() string {
	r.Helper()
	return r.status().Components[0].State
}

const waitsForFile = `
initial_target = "none"
[component.a]
command = ["prog", "pause"]
[[component.a.start_conditions]]
file = "$DIR/mnt/file"
timeout = "1m"
[target.none]
[target.all]
depends_on = ["a"]
`

// TestConditionOnAHungFileSystem waits for a file where nobody answers: only its component waits.
func TestConditionOnAHungFileSystem(t *testing.T) {
	t.Parallel()
	r := supervise(t, waitsForFile)
	server := mountFUSE(t, filepath.Join(r.dir, "mnt"))
	var reply control.ActivateReply
	r.call("Activate", control.ActivateParam{Target: "all", NoWait: true}, &reply)
	want := "waits for condition file " + r.dir + "/mnt/file: the file system does not answer"
	r.until("the component waits", func() bool {
		c := r.status().Components[0]
		return c.State == "waiting" && strings.HasPrefix(c.Reason, want)
	})
	unix.Close(server) // which aborts what hangs: fuse(4)
	r.call("Activate", control.ActivateParam{Target: "none"}, &reply)
}

// TestConditionOnAMount waits for a file in a file system that is mounted later, where its directory was already.
func TestConditionOnAMount(t *testing.T) {
	t.Parallel()
	r := supervise(t, waitsForFile)
	other, mnt := filepath.Join(r.dir, "other"), filepath.Join(r.dir, "mnt")
	for _, dir := range []string{other, mnt} {
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(other, "file"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	var reply control.ActivateReply
	r.call("Activate", control.ActivateParam{Target: "all", NoWait: true}, &reply)
	r.until("the component waits", func() bool { return r.state() == "waiting" })
	if err := unix.Mount(other, mnt, "", unix.MS_BIND, ""); err != nil {
		t.Skipf("mount: %v", err)
	}
	t.Cleanup(func() { unix.Unmount(mnt, unix.MNT_DETACH) })
	r.until("the component is ready", func() bool { return r.state() == "ready" })
}

// mountFUSE mounts a file system whose server never answers, and returns the server's end.
func mountFUSE(t *testing.T, at string) int {
	t.Helper()
	fd, err := unix.Open("/dev/fuse", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Skipf("/dev/fuse: %v", err)
	}
	if err := os.Mkdir(at, 0o755); err != nil {
		t.Fatal(err)
	}
	data := fmt.Sprintf("fd=%d,rootmode=40000,user_id=0,group_id=0", fd)
	if err := unix.Mount("fuse", at, "fuse", 0, data); err != nil {
		unix.Close(fd)
		t.Skipf("mount: %v", err)
	}
	t.Cleanup(func() { unix.Unmount(at, unix.MNT_DETACH) })
	return fd
}
