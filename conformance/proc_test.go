package conformance

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// process is one process at one instant.
type process struct {
	pid, parent int
	born        uint64 // ticks since boot: with the pid it names one process for ever
	state       byte   // as in /proc/PID/stat
	threads     int
	component   string // "" where it is of none
	run         uint32
}

// alive says whether it is more than an entry that waits for its parent. Its first thread may have ended alone.
func (p *process) alive() bool { return p.state != 'Z' && p.state != 'X' || p.threads > 1 }

// children are the processes that any thread of a process is the parent of.
func children(proc string, pid int) []int {
	files, _ := filepath.Glob(fmt.Sprintf("%s/%d/task/*/children", proc, pid))
	var list []int
	for _, f := range files {
		b, _ := os.ReadFile(f)
		for _, word := range strings.Fields(string(b)) {
			if n, err := strconv.Atoi(word); err == nil {
				list = append(list, n)
			}
		}
	}
	return list
}

// look reads what a process is now.
func look(proc string, pid int) (process, bool) {
	b, err := os.ReadFile(fmt.Sprintf("%s/%d/stat", proc, pid))
	at := bytes.LastIndexByte(b, ')')
	if err != nil || at < 0 {
		return process{}, false
	}
	f := strings.Fields(string(b[at+1:])) // from the third field of proc(5) on
	p := process{pid: pid, state: f[0][0]}
	p.parent, _ = strconv.Atoi(f[1])
	p.threads, _ = strconv.Atoi(f[17])
	p.born, _ = strconv.ParseUint(f[19], 10, 64)
	return p, true
}

// of reads which component a process is of. A first thread that has ended alone knows nothing any more, the others do.
func (p *process) of(proc string) {
	files, _ := filepath.Glob(fmt.Sprintf("%s/%d/task/*/environ", proc, p.pid))
	for _, f := range files {
		if b, _ := os.ReadFile(f); len(b) > 0 {
			p.read(b)
			return
		}
	}
}

func (p *process) read(environ []byte) {
	for word := range bytes.SplitSeq(environ, []byte{0}) {
		name, value, _ := strings.Cut(string(word), "=")
		switch name {
		case "ORDERLY_COMPONENT":
			p.component = value
		case "ORDERLY_RUN":
			n, _ := strconv.ParseUint(value, 10, 32)
			p.run = uint32(n)
		}
	}
}

// known are processes whose component was read already.
type known map[[2]uint64]process

// tree are all processes below the keeper.
func (w *world) tree(seen known) []process {
	var list []process
	todo := children(w.proc, w.keeperInside())
	for len(todo) > 0 {
		pid := todo[0]
		todo = todo[1:]
		p, ok := look(w.proc, pid)
		if !ok || slices.ContainsFunc(list, func(q process) bool { return q.pid == pid }) {
			continue
		}
		key := [2]uint64{uint64(pid), p.born}
		if old, ok := seen[key]; ok {
			p.component, p.run = old.component, old.run
		} else if p.alive() {
			p.of(w.proc)
		}
		if p.component != "" {
			seen[key] = p
		}
		list = append(list, p)
		todo = append(todo, children(w.proc, pid)...)
	}
	return list
}

// same says whether it is still there, and alive.
func (p *process) same(proc string) bool {
	now, ok := look(proc, p.pid)
	return ok && now.born == p.born && now.alive()
}

// field is a line of /proc/PID/status without its name.
func field(proc string, pid int, name string) string {
	b, _ := os.ReadFile(fmt.Sprintf("%s/%d/status", proc, pid))
	for line := range strings.Lines(string(b)) {
		if key, value, _ := strings.Cut(line, ":"); key == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
