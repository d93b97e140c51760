package manager

import (
	"os"
	"os/exec"
	"testing"

	"golang.org/x/sys/unix"
)

func TestBytesText(t *testing.T) {
	t.Parallel()
	for n, want := range map[int64]string{
		0: "0B", 1: "1B", 1023: "1023B", 1024: "1KiB", 1025: "1025B", 32 << 20: "32MiB", 1536 << 10: "1536KiB", 3 << 40: "3TiB", 5 << 50: "5120TiB",
	} {
		if got := bytesText(n); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
}

// A process that is being killed is told from one that lives: it has no memory, or SIGKILL waits for it.
func TestDying(t *testing.T) {
	t.Parallel()
	if dying(os.Getpid()) {
		t.Error("this process dies")
	}
	cmd := exec.Command("/bin/sleep", "1000")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if dying(cmd.Process.Pid) {
		t.Error("one that sleeps dies")
	}
	unix.Kill(cmd.Process.Pid, unix.SIGKILL)
	if !dying(cmd.Process.Pid) { // pending, ending, or a zombie: never again as before
		t.Error("one that was killed does not die")
	}
	cmd.Wait()
	if !dying(cmd.Process.Pid) {
		t.Error("one that is gone does not die")
	}
}
