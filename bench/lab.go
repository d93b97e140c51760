package main

import (
	"bytes"
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"golang.org/x/sys/unix"
)

//go:embed floor.c
var floorSource string

//go:embed beats.c
var beatsSource string

//go:embed mark.c
var markSource string

// lab is one run of the bench: the programs that are measured, and how much of everything.
type lab struct {
	dir, orderly, floor, beats, mark string
	fifo                             *marks

	count  int // components side by side
	hops   int // of the chain
	rounds int
	kills  int
	calls  int
	quiet  int // seconds of idleness
}

// open builds the programs into a directory of its own.
func open(quick bool) (*lab, error) {
	l := &lab{count: 1000, hops: 200, rounds: 7, kills: 300, calls: 2000, quiet: 10}
	if quick {
		l.count, l.hops, l.rounds, l.kills, l.calls, l.quiet = 200, 50, 3, 50, 200, 2
	}
	var err error
	if l.dir, err = os.MkdirTemp("", "orderly-bench-"); err != nil {
		return nil, err
	}
	l.orderly, l.floor, l.beats, l.mark = l.path("orderly"), l.path("floor"), l.path("beats"), l.path("mark")
	if err = l.build(); err == nil {
		l.fifo, err = openMarks(l.path("marks"))
	}
	if err != nil {
		l.close()
		return nil, err
	}
	return l, nil
}

func (l *lab) path(name string) string { return filepath.Join(l.dir, name) }

func (l *lab) close() { os.RemoveAll(l.dir) }

func (l *lab) build() error {
	cc, err := exec.LookPath("cc")
	if err != nil {
		return fmt.Errorf("the floor is written in C: %w", err)
	}
	orderly := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", l.orderly, "github.com/orderly-init/orderly/init")
	orderly.Env = append(os.Environ(), "CGO_ENABLED=0")
	floor := exec.Command(cc, "-O2", "-static", "-x", "c", "-o", l.floor, "-")
	floor.Stdin = bytes.NewBufferString(floorSource)
	beats := exec.Command(cc, "-O2", "-static", "-x", "c", "-o", l.beats, "-")
	beats.Stdin = bytes.NewBufferString(beatsSource)
	mark := exec.Command(cc, "-O2", "-static", "-nostdlib", "-x", "c", "-o", l.mark, "-")
	mark.Stdin = bytes.NewBufferString(markSource)
	for _, c := range []*exec.Cmd{orderly, floor, beats, mark} {
		if out, err := c.CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w\n%s", c, err, out)
		}
	}
	return nil
}

// now is the clock of the marks, in nanoseconds.
func now() int64 {
	var t unix.Timespec
	unix.ClockGettime(unix.CLOCK_MONOTONIC, &t)
	return t.Nano()
}
