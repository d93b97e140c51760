package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/sys/unix"
)

// whole compares all that a program has printed of itself with a file of the script. What is as the test has it, since
// it is the machine's or was inherited on purpose, is written "ours"; limits like ours are left out.
func whole(ts *testscript.TestScript, _ bool, args []string) {
	o := ourselves(ts)
	var got strings.Builder
	for line := range strings.Lines(ts.ReadFile(args[0])) {
		got.WriteString(o.line(strings.TrimSpace(line)))
	}
	want := strings.Split(ts.ReadFile(args[1]), "\n")
	if diff := cmp.Diff(want, strings.Split(got.String(), "\n")); diff != "" {
		ts.Fatalf("%s (-want +got):\n%s", args[0], diff)
	}
}

// ours is what the test has itself.
type ours struct {
	limits   map[string]bool
	texts    *strings.Replacer
	bounding string
}

func ourselves(ts *testscript.TestScript) ours {
	o := ours{limits: map[string]bool{"limit Limit Soft Limit Hard Limit Units": true}}
	limits, err := exec.Command("/bin/cat", "/proc/self/limits").Output()
	ts.Check(err)
	for line := range strings.Lines(string(limits)) {
		o.limits["limit "+strings.Join(strings.Fields(line), " ")] = true
	}
	var set unix.CPUSet
	ts.Check(unix.SchedGetaffinity(0, &set))
	attr, err := unix.SchedGetAttr(0, 0)
	ts.Check(err)
	pairs := []string{
		ts.MkAbs("."), "$WORK", ts.Getenv("PATH"), "$PATH", filepath.Dir(binary), "$BIN",
		fmt.Sprintf("nice %d cpus %d ", attr.Nice, set.Count()), "nice ours cpus ours ",
	}
	links, err := filepath.Glob("/proc/self/ns/*")
	ts.Check(err)
	for _, link := range links {
		id, err := os.Readlink(link)
		ts.Check(err)
		kind, _, _ := strings.Cut(id, ":")
		pairs = append(pairs, id, kind+" ours")
	}
	o.texts = strings.NewReplacer(pairs...)
	status, err := os.ReadFile("/proc/self/status")
	ts.Check(err)
	_, rest, _ := strings.Cut(string(status), "CapBnd:\t")
	o.bounding, _, _ = strings.Cut(rest, "\n")
	return o
}

// line is one line without what changes from machine to machine or from start to start; "" leaves it out.
func (o *ours) line(line string) string {
	if o.limits[line] {
		return ""
	}
	line = o.texts.Replace(line)
	fields := strings.Fields(line)
	switch {
	case strings.HasPrefix(line, "cap") && len(fields) == 2 && fields[1] == o.bounding:
		line = fields[0] + " ours"
	case strings.HasPrefix(line, "namespace") && strings.Contains(line, "["):
		line = line[:strings.Index(line, ":")] + " own"
	case strings.HasPrefix(line, "descriptor") && strings.Contains(line, "pipe:["):
		line = line[:strings.Index(line, ":[")]
	}
	return line + "\n"
}
