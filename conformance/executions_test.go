package conformance

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/conformance/oracle"
)

// execution is that of the main program of a run.
type execution struct {
	dir       string // of its world
	component string
	run       uint32
	pid       int
	command   string
	at        time.Duration // on the monotonic clock
	ended     time.Duration // of its first thread; 0: not yet
}

func (x execution) String() string {
	return fmt.Sprintf("run %d of %s (process %d)", x.run, x.component, x.pid)
}

// executions are those of all worlds, as the kernel tells of them: its proc connector sends every fork, exec and exit of the
// machine (linux/cn_proc.h), so none is between two looks. What it sends is in the order in which it happened.
type executions struct {
	events *os.File
	wait   sync.WaitGroup
	of     map[int]execution // what was executed in a process, or in one that it comes from
	mu     sync.Mutex
	worlds map[string]*executed // by directory
}

// executed are the executions in one world, and what was wrong with them.
type executed struct {
	list  []execution
	wrong []string
	again map[string]string // by component: a run that was executed before, or is before one that was
	lost  bool              // some was not heard of
}

// listen asks the kernel for its events. Only root may, in the first namespaces.
func listen() (*executions, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_CONNECTOR)
	if err != nil {
		return nil, err
	}
	k := &executions{events: os.NewFile(uintptr(fd), "proc connector"), of: map[int]execution{}, worlds: map[string]*executed{}}
	b := binary.NativeEndian.AppendUint32(nil, 16+20+4) // struct nlmsghdr
	b = binary.NativeEndian.AppendUint16(b, unix.NLMSG_DONE)
	b = append(b, make([]byte, 10)...)
	for _, word := range []uint32{cnProc, cnProc, 0, 0, 4, 1} { // struct cn_msg: its length, no flags, PROC_CN_MCAST_LISTEN
		b = binary.NativeEndian.AppendUint32(b, word)
	}
	err = unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: cnProc})
	if err == nil {
		unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 64<<20)
		_, err = k.events.Write(b)
	}
	if err == nil { // it answers those that it listens to
		k.events.SetReadDeadline(time.Now().Add(time.Second))
		_, err = k.events.Read(make([]byte, 4096))
		k.events.SetReadDeadline(time.Time{})
	}
	if err != nil {
		k.events.Close()
		return nil, err
	}
	k.wait.Go(k.read)
	return k, nil
}

// Numbers of linux/connector.h and linux/cn_proc.h, and where the data of an event begins: behind nlmsghdr, cn_msg, and three fields.
const (
	cnProc    = 1
	forkEvent = 1
	execEvent = 2
	exitEvent = 1 << 31
	eventAt   = 16 + 20
	eventData = eventAt + 16
)

func (k *executions) read() {
	b := make([]byte, 4096)
	for {
		n, err := k.events.Read(b)
		switch {
		case errors.Is(err, os.ErrClosed):
			return
		case err != nil: // there were more than there was room for (netlink(7), ENOBUFS)
			k.lost()
		case n >= eventData+16:
			k.take(b[eventAt:n])
		}
	}
}

// lost keeps in which worlds something may have been missed.
func (k *executions) lost() {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, w := range k.worlds {
		w.lost = true
	}
}

// close stops listening.
func (k *executions) close() {
	if k == nil {
		return
	}
	k.events.Close()
	k.wait.Wait()
}

// take is told of one event. A process that a program of a component has forked is no main program, whatever it executes.
func (k *executions) take(b []byte) {
	word := func(i int) int { return int(binary.NativeEndian.Uint32(b[i:])) }
	what, data, at := word(0), eventData-eventAt, time.Duration(binary.NativeEndian.Uint64(b[8:]))
	switch what {
	case forkEvent:
		parent, thread, pid := word(data+4), word(data+8), word(data+12)
		if thread != pid {
			return
		}
		delete(k.of, pid)
		if x, ok := k.of[parent]; ok {
			k.of[pid] = x
		}
	case execEvent:
		k.executed(word(data+4), at)
	case exitEvent:
		if pid := word(data); pid == k.of[pid].pid {
			k.ended(k.of[pid], at)
		}
	}
}

// executed is told of an exec. Who is just executing something else shows no environment: then nothing can be said of that process, nor of
// those that it forks.
func (k *executions) executed(pid int, at time.Duration) {
	old, inner := k.of[pid]
	if inner && old.component != "" {
		return
	}
	x, main, known := identify(pid)
	if x.at = at; main && known && !inner && x.component != "" {
		k.tell(x)
	}
	if x.component != "" || !known {
		k.of[pid] = x
	}
}

// ended keeps when a main program has ended.
func (k *executions) ended(x execution, at time.Duration) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if w := k.worlds[x.dir]; w != nil {
		for i := range w.list {
			if w.list[i].pid == x.pid && w.list[i].at == x.at {
				w.list[i].ended = at
			}
		}
	}
}

// identify reads what a process was executed for, and whether it is a main program: others know that one.
func identify(pid int) (x execution, main, known bool) {
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
	command, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	x, main = execution{pid: pid, command: string(command)}, true
	for word := range bytes.SplitSeq(b, []byte{0}) {
		name, value, _ := bytes.Cut(word, []byte("="))
		switch string(name) {
		case "CONFORMANCE":
			x.dir = string(value)
		case "ORDERLY_COMPONENT":
			x.component = string(value)
		case "ORDERLY_RUN":
			n, _ := strconv.ParseUint(string(value), 10, 32)
			x.run = uint32(n)
		case "MAINPID":
			main = false
		}
	}
	return x, main, len(b) > 0
}

// tell adds an execution to those of its world. Each run is executed once, when all processes of the run before have ended.
func (k *executions) tell(x execution) {
	k.mu.Lock()
	defer k.mu.Unlock()
	w := k.worlds[x.dir]
	if w == nil {
		return
	}
	for _, y := range w.list {
		if y.component == x.component && y.run == x.run && y.command != x.command {
			return // a command for one whose main process has ended meanwhile
		}
		if y.component == x.component && y.run >= x.run {
			w.again[x.component] = fmt.Sprintf("%v is executed, and %v was", x, y)
		}
	}
	for pid, y := range k.of {
		if y.dir != x.dir || y.component != x.component || y.run == x.run {
			continue
		}
		if p, ok := oracle.Look("/proc", pid); !ok || !p.Alive() {
			delete(k.of, pid)
		} else if z, _, _ := identify(pid); z.component == y.component && z.run == y.run { // one that is about to end has no environment any more
			w.wrong = append(w.wrong, fmt.Sprintf("%v is executed, and process %d of %v is there", x, pid, y))
		}
	}
	w.list = append(w.list, x)
}

// begin has the executions of a world kept.
func (k *executions) begin(dir string) {
	if k == nil {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.worlds[dir] = &executed{again: map[string]string{}}
}

// end tells what was wrong in a world; nothing where something was not heard of. The runs of a component that was removed meanwhile are counted anew
// when it is there again.
func (k *executions) end(dir string, anew func(component string) bool) []string {
	if k == nil {
		return nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	w := k.worlds[dir]
	delete(k.worlds, dir)
	if w == nil || w.lost {
		return nil
	}
	for component, what := range w.again {
		if !anew(component) {
			w.wrong = append(w.wrong, what)
		}
	}
	return w.wrong
}

// find is what is known of a run.
func (k *executions) find(dir, component string, run uint32) (x execution, ok bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if w := k.worlds[dir]; w != nil {
		i := slices.IndexFunc(w.list, func(x execution) bool { return x.component == component && x.run == run })
		if i >= 0 {
			return w.list[i], true
		}
	}
	return execution{}, false
}
