package main

import (
	"bytes"
	"debug/elf"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orderly-init/orderly/targets"
)

func TestTable(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	table{
		{name: "slower", unit: "ms", floor: 10, got: 16, goal: goal{ofFloor, 1.5}},
		{name: "as fast", unit: "ms", floor: 10, got: 15, goal: goal{ofFloor, 1.5}},
		{name: "big", unit: "MB", got: 10.5, goal: goal{atMost, 10}},
		{name: "still", unit: "times", got: 0, goal: goal{atMost, 0}},
		{name: "as it is", unit: "µs", got: 123.4},
	}.print(&out)
	want := []string{
		"WORKLOAD FLOOR ORDERLY RATIO GOAL",
		"slower 10.0 ms 16.0 ms 1.60 1.5 x floor MISSED",
		"as fast 10.0 ms 15.0 ms 1.50 1.5 x floor ok",
		"big - 10.5 MB - 10 MB MISSED",
		"still - 0 times - 0 times ok",
		"as it is - 123 µs - -",
	}
	var got []string
	for line := range strings.Lines(out.String()) {
		got = append(got, strings.Join(strings.Fields(line), " "))
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestQuantile(t *testing.T) {
	t.Parallel()
	values := []float64{5, 1, 4, 2, 3}
	for q, want := range map[float64]float64{0: 1, 0.5: 3, 0.99: 5, 1: 5} {
		if got := quantile(values, q); got != want {
			t.Errorf("quantile %v is %v, not %v", q, got, want)
		}
	}
	if got := median(nil); got != 0 {
		t.Errorf("median of nothing is %v", got)
	}
}

// The configurations of the workloads have no error; that a chain takes long to stop is a warning.
func TestConfigurationsLoad(t *testing.T) {
	t.Parallel()
	l := &lab{dir: "/tmp", mark: "/tmp/mark", fifo: &marks{path: "/tmp/marks"}}
	for name, text := range map[string]string{"side": l.side(10), "line": l.line(10), "beating": l.beating(10), "boxed": l.boxed(10, "default"), "guest": guestConfig("/marks"), "race": raceConfig(3, 10)} {
		file := filepath.Join(t.TempDir(), name+".toml")
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		sources, problems := targets.ReadSources(file)
		_, more := targets.Load(sources)
		if all := append(problems, more...); all.Fatal() {
			t.Errorf("%s: %v", name, all)
		}
	}
}

// The programs of the guest are executables whose strings are where the code looks for them.
func TestPrograms(t *testing.T) {
	t.Parallel()
	for name, program := range map[string][]byte{"service": service("/marks"), "starter": starter("/marks", "/sbin/next")} {
		f, err := elf.NewFile(bytes.NewReader(program))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		p := f.Progs[0]
		if f.Machine != elf.EM_AARCH64 || p.Filesz != uint64(len(program)) || f.Entry != p.Vaddr+120 {
			t.Errorf("%s: %+v %+v", name, f.FileHeader, p.ProgHeader)
		}
		if s := stringAt(program, 120+4*6); s != "/marks" { // the seventh instruction is adr x1
			t.Errorf("%s: the file is %q", name, s)
		}
	}
	if s := stringAt(starter("/marks", "/sbin/next"), 120+4*14); s != "/sbin/next" {
		t.Errorf("the next program is %q", s)
	}
}

// stringAt is the string whose address the adr at an offset computes.
func stringAt(program []byte, at int) string {
	word := uint32(program[at]) | uint32(program[at+1])<<8 | uint32(program[at+2])<<16 | uint32(program[at+3])<<24
	rest := program[at+int(word>>5&0x7ffff<<2|word>>29&3):]
	return string(rest[:bytes.IndexByte(rest, 0)])
}
