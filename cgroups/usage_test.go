package cgroups

import (
	"os"
	"testing"
	"time"
)

func TestParseUsage(t *testing.T) {
	t.Parallel()
	if r, w := parseIO("8:0 rbytes=90 wbytes=12 rios=3 wios=1 dbytes=7 dios=0\n8:16 rbytes=10 wbytes=8\n"); r != 100 || w != 20 {
		t.Errorf("io.stat: %d, %d", r, w)
	}
	if r, w := parseProcessIO("rchar: 5\nwchar: 6\nread_bytes: 4096\nwrite_bytes: 8192\ncancelled_write_bytes: 9\n"); r != 4096 || w != 8192 {
		t.Errorf("io: %d, %d", r, w)
	}
	line := "7 (a) 1 b) S 1 7 7 0 -1 4194304 100 0 0 0 12 3 4 1 20 0 5 0 1000 1 2 3"
	if cpu, tasks := parseStat(line); cpu != 200*time.Millisecond || tasks != 5 {
		t.Errorf("stat: %v, %d", cpu, tasks)
	}
}

// What the kernel says of this very process, and of one that is not there.
func TestSum(t *testing.T) {
	t.Parallel()
	u := Sum([]int{os.Getpid(), 1 << 30})
	if u.Memory == 0 || u.Tasks == 0 || u.Tasks > 10_000 {
		t.Errorf("%+v", u)
	}
}

func FuzzParseUsage(f *testing.F) {
	f.Add("8:0 rbytes=90 wbytes=-1")
	f.Add("read_bytes: 99999999999999999999\n")
	f.Add("1 (x) S 1 1 1 0 -1 0 0 0 0 0 9223372036854775807 9223372036854775807 1 1 20 0 1 0 1")
	f.Fuzz(func(t *testing.T, text string) {
		parseIO(text)
		parseProcessIO(text)
		if cpu, tasks := parseStat(text); cpu < 0 || tasks < 0 {
			t.Errorf("%v, %d", cpu, tasks)
		}
	})
}
