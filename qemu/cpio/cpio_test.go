package cpio

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

func sample() []Entry {
	return []Entry{
		Dir("/dev"), Device("dev/console", 0o600, 5, 1), File("usr/bin/x", 0o755, []byte("hello")), Link("/init", "usr/bin/x"),
	}
}

func TestArchiveHasTheDocumentedLayout(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	if err := Write(&b, sample()); err != nil {
		t.Fatal(err)
	}
	var got []string
	rest := b.Bytes()
	for len(rest) > 0 {
		if string(rest[:6]) != "070701" {
			t.Fatalf("magic %q", rest[:6])
		}
		size, nameSize := hex(t, rest[54:62]), hex(t, rest[94:102])
		name := string(rest[110 : 110+nameSize-1])
		data := (110 + nameSize + 3) &^ 3
		got = append(got, string(rest[14:22])+" "+name+" "+string(rest[data:data+size]))
		rest = rest[(data+size+3)&^3:]
	}
	want := []string{
		"000041ED dev ", "00002180 dev/console ", "000041ED usr ", "000041ED usr/bin ", "000081ED usr/bin/x hello",
		"0000A1FF init usr/bin/x", "00000000 TRAILER!!! ",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func hex(t *testing.T, b []byte) int {
	n := 0
	for _, c := range b {
		i := strings.IndexByte("0123456789ABCDEF", c)
		if i < 0 {
			t.Fatalf("not a hexadecimal digit: %q", c)
		}
		n = n<<4 | i
	}
	return n
}

func TestSameEntriesSameBytes(t *testing.T) {
	t.Parallel()
	var a, b bytes.Buffer
	if err := errors.Join(Write(&a, sample()), Write(&b, sample())); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(a.Bytes(), b.Bytes()) {
		t.Error("two archives of the same entries differ")
	}
}

type fullDisk struct{ room int }

func (d *fullDisk) Write(b []byte) (int, error) {
	if len(b) > d.room {
		return 0, errors.New("no space left")
	}
	d.room -= len(b)
	return len(b), nil
}

func TestWriteErrorsAreReported(t *testing.T) {
	t.Parallel()
	if err := Write(&fullDisk{room: 300}, sample()); err == nil {
		t.Error("a full disk went unnoticed")
	}
}
