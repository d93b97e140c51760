package oracle

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Process is one process at one instant.
type Process struct {
	PID, Parent int
	Born        uint64 // ticks since boot: with the pid it names one process for ever
	State       byte   // as in proc_pid_stat(5)
	Threads     int
	Component   string // "" where it is of none
	Run         uint32
}

// Alive says whether it is more than an entry that waits for its parent. Its first thread may have ended alone.
func (p *Process) Alive() bool { return p.State != 'Z' && p.State != 'X' || p.Threads > 1 }

// Children are the processes that any thread of a process is the parent of. Here as below, proc is the /proc of the
// PID namespace that pids are of.
func Children(proc string, pid int) []int {
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

// Look reads what a process is now, except of which component it is.
func Look(proc string, pid int) (Process, bool) {
	b, err := os.ReadFile(fmt.Sprintf("%s/%d/stat", proc, pid))
	at := bytes.LastIndexByte(b, ')')
	if err != nil || at < 0 {
		return Process{}, false
	}
	f := strings.Fields(string(b[at+1:])) // from the third field of proc(5) on
	p := Process{PID: pid, State: f[0][0]}
	p.Parent, _ = strconv.Atoi(f[1])
	p.Threads, _ = strconv.Atoi(f[17])
	p.Born, _ = strconv.ParseUint(f[19], 10, 64)
	return p, true
}

// of reads which component a process is of. A first thread that has ended alone knows nothing any more, the others do.
func (p *Process) of(proc string) {
	files, _ := filepath.Glob(fmt.Sprintf("%s/%d/task/*/environ", proc, p.PID))
	for _, f := range files {
		if b, _ := os.ReadFile(f); len(b) > 0 {
			p.read(b)
			return
		}
	}
}

func (p *Process) read(environ []byte) {
	for word := range bytes.SplitSeq(environ, []byte{0}) {
		name, value, _ := strings.Cut(string(word), "=")
		switch name {
		case "ORDERLY_COMPONENT":
			p.Component = value
		case "ORDERLY_RUN":
			n, _ := strconv.ParseUint(value, 10, 32)
			p.Run = uint32(n)
		}
	}
}

// Known are processes whose component was read already: one that is about to end has no environment any more.
type Known map[[2]uint64]Process

// Tree are all processes below another one, mostly the keeper.
func Tree(proc string, top int, seen Known) []Process {
	var list []Process
	todo := Children(proc, top)
	for len(todo) > 0 {
		pid := todo[0]
		todo = todo[1:]
		p, ok := Look(proc, pid)
		if !ok || slices.ContainsFunc(list, func(q Process) bool { return q.PID == pid }) {
			continue
		}
		key := p.key()
		if old, ok := seen[key]; ok {
			p.Component, p.Run = old.Component, old.Run
		} else if p.Alive() {
			p.of(proc)
		}
		if p.Component != "" {
			seen[key] = p
		}
		list = append(list, p)
		todo = append(todo, Children(proc, pid)...)
	}
	return list
}

// key names a process for ever.
func (p *Process) key() [2]uint64 { return [2]uint64{uint64(p.PID), p.Born} }

// Same says whether it is still there, and alive.
func (p *Process) Same(proc string) bool {
	now, ok := Look(proc, p.PID)
	return ok && now.Born == p.Born && now.Alive()
}

// Manager is the manager below a keeper, 0 while there is none. Processes on their way to a component look like it, but
// have no second thread.
func Manager(proc string, keeper int) int {
	for _, pid := range Children(proc, keeper) {
		line, _ := os.ReadFile(fmt.Sprintf("%s/%d/cmdline", proc, pid))
		if bytes.HasPrefix(line, []byte("orderly-manager\x00")) && Field(proc, pid, "Threads") != "1" {
			return pid
		}
	}
	return 0
}

// Field is a line of /proc/PID/status without its name.
func Field(proc string, pid int, name string) string {
	b, _ := os.ReadFile(fmt.Sprintf("%s/%d/status", proc, pid))
	for line := range strings.Lines(string(b)) {
		if key, value, _ := strings.Cut(line, ":"); key == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
