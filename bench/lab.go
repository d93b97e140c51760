package main

import (
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

//go:embed floor.c
var floorSource string

//go:embed boxes.c
var boxesSource string

//go:embed beats.c
var beatsSource string

//go:embed mark.c
var markSource string

// lab is one run of the bench: the programs that are measured, and how much of everything.
type lab struct {
	dir, orderly, floor, boxes, beats, mark string
	fifo                                    *marks

	count  int // components side by side
	crowd  int // containers side by side
	hops   int // of the chain
	rounds int
	starts int // of one container
	kills  int
	calls  int
	quiet  int // seconds of idleness
}

// open builds the programs into a directory of its own.
func open(quick bool) (*lab, error) {
	l := &lab{count: 1000, crowd: 100, hops: 200, rounds: 7, starts: 60, kills: 300, calls: 2000, quiet: 10}
	if quick {
		l.count, l.crowd, l.hops, l.rounds, l.starts, l.kills, l.calls, l.quiet = 200, 20, 50, 3, 10, 50, 200, 2
	}
	var err error
	if l.dir, err = os.MkdirTemp("", "orderly-bench-"); err != nil {
		return nil, err
	}
	l.orderly, l.floor, l.boxes, l.beats, l.mark = l.path("orderly"), l.path("floor"), l.path("boxes"), l.path("beats"), l.path("mark")
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
	orderly := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w -E=_orderly_start", "-o", l.orderly, "github.com/orderly-init/orderly/init")
	orderly.Env = append(os.Environ(), "CGO_ENABLED=0")
	commands := []*exec.Cmd{orderly}
	for _, c := range []struct{ to, source, libraries string }{
		{l.floor, floorSource, "-static"}, {l.boxes, boxesSource, "-static"}, {l.beats, beatsSource, "-static"}, {l.mark, markSource, "-nostdlib"},
	} {
		compile := exec.Command(cc, "-O2", "-static", c.libraries, "-x", "c", "-o", c.to, "-")
		compile.Stdin = strings.NewReader(c.source)
		commands = append(commands, compile)
	}
	for _, c := range commands {
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
