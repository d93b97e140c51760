package qemu

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/orderly-init/orderly/qemu/image"
)

// The initramfs of two builds is the same to the byte.
func TestInitramfsIsReproducible(t *testing.T) {
	read := func() []byte {
		data, err := os.ReadFile(example(t, "arm64", image.ARM64()).Stage1)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	if !bytes.Equal(read(), read()) {
		t.Error("two builds differ")
	}
}

// The way up to the init of the root disk, and every channel into the guest, without Orderly: a shell is the init.
func TestStage1HandsOver(t *testing.T) {
	set := example(t, "arm64", image.ARM64())
	o := set.Options()
	o.Append = append(o.Append, "init=/bin/sh", "some.word=1")
	m := boot(t, o)
	m.expect("stage1: switching to /bin/sh")
	m.expect("# ")
	if err := m.Send("echo mark-$((40+2))\n"); err != nil {
		t.Fatal(err)
	}
	m.expect("mark-42")
	if got := m.sh("exec 2>&1; cat /proc/1/comm; uname -m; echo $0; exit 0"); got != "sh\naarch64\n/bin/sh\n" {
		t.Errorf("got %q", got)
	}
	if got := m.try("/bin/sh", "-c", "echo a; echo b >&2; exit 7"); got.Out != "a\n" || got.Err != "b\n" || got.Exit != 7 {
		t.Errorf("got %+v", got)
	}
	if got := m.try("/bin/sh", "-c", "kill -9 $$"); got.Exit != 128+9 {
		t.Errorf("killed: got %+v", got)
	}
	if _, err := m.Run(long, "/no/such/program"); err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("missing program: got %v", err)
	}
	follow(t, m)
	if _, err := m.Follow("/bin/busybox", "poweroff", "-f"); err != nil {
		t.Fatal(err)
	}
	m.off()
}

// follow reads a program's lines as they come, and ends it.
func follow(t *testing.T, m machine) {
	t.Helper()
	f, err := m.Follow("/bin/sh", "-c", "echo $$; echo two; exec sleep 1000")
	if err != nil {
		t.Fatal(err)
	}
	pid, err := f.Line(long)
	if err != nil {
		t.Fatal(err)
	}
	if two, err := f.Line(long); err != nil || two != "two" {
		t.Errorf("second line %q, %v", two, err)
	}
	f.Close()
	m.sh("while kill -0 " + pid + " 2>/dev/null; do sleep 0.05; done")
}
