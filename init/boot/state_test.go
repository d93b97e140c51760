package boot

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestSeed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path, generator := filepath.Join(dir, seedName), filepath.Join(dir, "generator")
	if err := os.WriteFile(generator, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	var seeds [][]byte
	for range 3 {
		if err := stir(path, generator); err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(path)
		if err != nil || len(b) != seedSize {
			t.Fatalf("%d bytes, %v", len(b), err)
		}
		for _, old := range seeds {
			if bytes.Equal(old, b) {
				t.Fatal("a seed is used twice")
			}
		}
		seeds = append(seeds, b)
	}
	if b, _ := os.ReadFile(generator); !bytes.Equal(b, seeds[1]) {
		t.Error("the generator was not given the last seed")
	}
	if err := SaveSeed(dir); err != nil {
		t.Fatal(err)
	}
	if b, _ := os.ReadFile(path); len(b) != seedSize || bytes.Equal(b, seeds[2]) {
		t.Error("no new seed at the end")
	}
	if err := SaveSeed(filepath.Join(dir, "none")); err != nil || exists(filepath.Join(dir, "none")) {
		t.Errorf("made a state directory at the end: %v", err)
	}
}

func TestMachineID(t *testing.T) {
	t.Parallel()
	for _, before := range []string{"", "uninitialized\n", "0123456789abcdef0123456789ABCDEF\n"} {
		path := filepath.Join(t.TempDir(), "machine-id")
		if err := os.WriteFile(path, []byte(before), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := persistentID(path); err != nil {
			t.Fatal(err)
		}
		b, _ := os.ReadFile(path)
		if id := firstLine(string(b)); !isMachineID(id) || len(before) == 33 && string(b) != before {
			t.Errorf("%q became %q", before, b)
		}
	}
	id, err := newMachineID()
	if err != nil || id[12] != '4' || !isMachineID(id) {
		t.Errorf("%q is no version 4, %v", id, err)
	}
}

func TestBounded(t *testing.T) {
	t.Parallel()
	stuck := make(chan struct{})
	defer close(stuck)
	if err := bounded(time.Millisecond, func() error { <-stuck; return nil }); !errors.Is(err, errHangs) {
		t.Errorf("got %v", err)
	}
	if err := bounded(time.Hour, func() error { return os.ErrExist }); err != os.ErrExist {
		t.Errorf("got %v", err)
	}
}

// stuckWriter is a console whose other end does not read.
type stuckWriter struct{ until chan struct{} }

func (w stuckWriter) Write(b []byte) (int, error) { <-w.until; return len(b), nil }

func TestVoiceNeverWaits(t *testing.T) {
	t.Parallel()
	until := make(chan struct{})
	v := NewVoice(stuckWriter{until})
	for range 2 * voiceRoom {
		if n, err := v.Write([]byte("line\n")); n != 5 || err != nil {
			t.Fatal(n, err)
		}
	}
	v.Drain(time.Millisecond)
	close(until)

	var b bytes.Buffer
	v = NewVoice(&b)
	v.Write([]byte("one "))
	v.Write([]byte("two"))
	v.Drain(time.Minute)
	if b.String() != "one two" {
		t.Errorf("got %q", b.String())
	}
}

func TestStat(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		text string
		want process
		ok   bool
	}{
		{"7 (a) b) (c) S 1 7 7 34816 7 4194304 0 0\n", process{pid: 7, name: "a) b) (c", state: 'S', terminal: true}, true},
		{"2 (kthreadd) S 0 0 0 0 -1 2129984 0\n", process{pid: 2, name: "kthreadd", state: 'S', kernel: true}, true},
		{"9 (x) Z 1 9 9 0 -1 4227084 0", process{pid: 9, name: "x", state: 'Z'}, true},
		{"", process{}, false},
		{"9 (x) Z 1", process{}, false},
		{")9(", process{}, false},
		{"7 (a) \x00 7 7 6 7 4 0", process{}, false},
		{"7 (a) SS 7 7 6 7 4 0", process{}, false},
	} {
		if got, ok := parseStat(row.text); got != row.want || ok != row.ok {
			t.Errorf("%q: got %+v %v", row.text, got, ok)
		}
	}
}

func FuzzStat(f *testing.F) {
	f.Add("7 (a) b) (c) S 1 7 7 34816 7 4194304 0 0\n")
	f.Fuzz(func(t *testing.T, text string) {
		if p, ok := parseStat(text); ok && !letter(p.state) {
			t.Fatalf("%q: %+v", text, p)
		}
	})
}

func TestLastGood(t *testing.T) {
	t.Parallel()
	if got := LastGood(""); got != "/var/lib/orderly/last-good" {
		t.Errorf("last good %s", got)
	}
}

func TestHeld(t *testing.T) {
	t.Parallel()
	c := exec.Command("sleep", "60")
	if err := c.Start(); err != nil {
		t.Skipf("needs sleep: %v", err)
	}
	pid := c.Process.Pid
	if got, want := Held(pid), regexp.MustCompile(fmt.Sprintf(`^process %d \(.+\), state [A-Z]( in \w+)?$`, pid)); !want.MatchString(got) {
		t.Errorf("got %q, want %v", got, want)
	}
	if err := c.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil); err != nil {
		t.Fatal(err)
	}
	if got := Held(pid); got != "" {
		t.Errorf("a dead one is %q", got)
	}
	_ = c.Wait()
	if got := Held(pid); got != "" {
		t.Errorf("none is %q", got)
	}
}
