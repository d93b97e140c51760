package boot

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A scene is played by this test binary as PID 1 of namespaces of its own; what it finds it writes to descriptor 3.
//
//	test ── clone(NEWNS NEWPID NEWUTS NEWNET NEWCGROUP) ──► PID 1: scene ── lines ──► test compares
const sceneVariable = "ORDERLY_BOOT_SCENE"

// scenes that take an empty root see nothing of the host's file systems; the others unmount nothing.
func scenes() map[string]scene {
	return map[string]scene{
		"early":     {true, sceneEarly},
		"read-only": {true, sceneReadOnly},
		"closed":    {true, sceneClosed},
		"mountless": {true, sceneMountless},
		"up":        {true, sceneUp},
		"unmount":   {true, sceneUnmount},
		"disk":      {true, sceneDisk},
		"down":      {false, sceneDown},
		"stubborn":  {false, sceneStubborn},
	}
}

type scene struct {
	emptyRoot bool
	play      func(report io.Writer)
}

func TestMain(m *testing.M) {
	name := os.Getenv(sceneVariable)
	if name == "" {
		os.Exit(m.Run())
	}
	report := os.NewFile(3, "report")
	if err := play(name, report); err != nil {
		fmt.Fprintln(report, err)
	}
	os.Exit(0)
}

// play refuses to touch a machine that is not the scene's own.
func play(name string, report *os.File) error {
	s := scenes()[name]
	if name == "sleeper" {
		return sleep()
	}
	if os.Getpid() != 1 || s.play == nil {
		return fmt.Errorf("scene %q as process %d", name, os.Getpid())
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return wrap("make mounts private", err)
	}
	if s.emptyRoot {
		if err := emptyRoot(); err != nil {
			return wrap("empty root", err)
		}
	} else if err := unix.Mount("proc", "/proc", "proc", 0, ""); err != nil {
		return wrap("mount /proc", err)
	}
	if ours() {
		return fmt.Errorf("scene %q on the machine itself", name)
	}
	s.play(report)
	return nil
}

// emptyRoot makes an empty tmpfs the root; nothing else can be reached by name after it.
func emptyRoot() error {
	dir := os.Getenv("ORDERLY_BOOT_ROOT")
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "mode=0755"); err != nil {
		return err
	}
	if err := os.Mkdir(filepath.Join(dir, "old"), 0o700); err != nil {
		return err
	}
	if err := unix.PivotRoot(dir, filepath.Join(dir, "old")); err != nil {
		return err
	}
	if err := os.Chdir("/"); err != nil {
		return err
	}
	if err := unix.Unmount("/old", unix.MNT_DETACH); err != nil {
		return err
	}
	return os.Remove("/old")
}

// perform plays a scene and returns what it reported and how its PID 1 ended.
func perform(t *testing.T, name string, files ...*os.File) (report string, status syscall.WaitStatus) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root: new mount, pid, uts, net and cgroup namespaces")
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	c := exec.Command("/proc/self/exe", "-test.run=^$")
	c.Env = []string{sceneVariable + "=" + name, "ORDERLY_BOOT_ROOT=" + t.TempDir()}
	c.ExtraFiles = append([]*os.File{w}, files...)
	c.Stderr = os.Stderr
	c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWUTS |
		unix.CLONE_NEWNET | unix.CLONE_NEWCGROUP | unix.CLONE_NEWIPC}
	if err := c.Start(); err != nil {
		w.Close()
		if strings.Contains(err.Error(), "operation not permitted") {
			t.Skip("needs CAP_SYS_ADMIN for namespaces")
		}
		t.Fatal(err)
	}
	w.Close()
	hang := time.AfterFunc(time.Minute, func() { c.Process.Kill() })
	defer hang.Stop()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	c.Wait()
	return string(b), c.ProcessState.Sys().(syscall.WaitStatus)
}
