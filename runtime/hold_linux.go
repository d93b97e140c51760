package runtime

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// IDMap maps Size ids of a user namespace, from Inside on, to those from
// Outside on, see user_namespaces(7).
type IDMap struct {
	Inside, Outside, Size uint32
}

// String is the line that the kernel takes.
func (m IDMap) String() string { return fmt.Sprint(m.Inside, " ", m.Outside, " ", m.Size) }

// Held are descriptors of namespaces that nobody is in: they last as long as
// somebody has them open. Net is -1 where none was asked for.
type Held struct{ User, Net int }

// Close lets them go.
func (h Held) Close() {
	unix.Close(h.User)
	if h.Net >= 0 {
		unix.Close(h.Net)
	}
}

// Hold makes a user namespace with its maps, and a network namespace that
// belongs to it where net says so. It takes a process for a moment, which the
// caller's parent reaps. Where the maps are more than the caller's own ids the
// kernel wants CAP_SETUID and CAP_SETGID of it.
func Hold(h Host, uids, gids []IDMap, net bool) (held Held, err error) {
	p, err := newHolder()
	if err != nil {
		return Held{}, err
	}
	defer p.free()
	kinds := uint64(unix.CLONE_NEWUSER)
	if net {
		kinds |= unix.CLONE_NEWNET
	}
	if err := p.start(h, kinds); err != nil {
		return Held{}, err
	}
	pid := p.slot.Started()
	if err := writeMaps(pid, uids, gids); err != nil {
		return Held{}, err
	}
	return open(pid, net)
}

// open opens the namespaces of a process.
func open(pid int, net bool) (Held, error) {
	dir := "/proc/" + strconv.Itoa(pid) + "/ns/"
	user, err := unix.Open(dir+"user", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return Held{}, fmt.Errorf("open user namespace: %w", err)
	}
	held := Held{User: user, Net: -1}
	if !net {
		return held, nil
	}
	if held.Net, err = unix.Open(dir+"net", unix.O_RDONLY|unix.O_CLOEXEC, 0); err != nil {
		held.Close()
		return Held{}, fmt.Errorf("open network namespace: %w", err)
	}
	return held, nil
}

// writeMaps writes the maps of a new user namespace. Who may not set groups
// has to give that up for it, see user_namespaces(7).
func writeMaps(pid int, uids, gids []IDMap) error {
	dir := "/proc/" + strconv.Itoa(pid) + "/"
	if os.Geteuid() != 0 {
		if err := os.WriteFile(dir+"setgroups", []byte("deny"), 0); err != nil {
			return fmt.Errorf("user namespace: setgroups: %w", rootCause(err))
		}
	}
	for _, m := range []struct {
		file  string
		lines []IDMap
	}{{"uid_map", uids}, {"gid_map", gids}} {
		var text strings.Builder
		for _, line := range m.lines {
			fmt.Fprintln(&text, line)
		}
		if err := os.WriteFile(dir+m.file, []byte(text.String()), 0); err != nil {
			return fmt.Errorf("user namespace: write %q to %s: %w", strings.TrimSpace(text.String()), m.file, rootCause(err))
		}
	}
	return nil
}

func rootCause(err error) error {
	var p *os.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

// holder is a process that says when it is there, and waits until it may go.
type holder struct {
	memory  []byte // of the Slot, which the kernel writes
	slot    *Slot
	program *Program
	here    [2]int // the holder writes to it,
	until   [2]int // and waits for the end of this,
	caller  int    // or of the caller, by its pidfd: its descriptors outlive it, they are the intermediate's too
	wake    int
}

func newHolder() (*holder, error) {
	p := &holder{program: &Program{}, here: [2]int{-1, -1}, until: [2]int{-1, -1}, caller: -1, wake: -1}
	var err error
	if p.memory, err = unix.Mmap(-1, 0, unix.Getpagesize(), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_ANON); err != nil {
		return nil, fmt.Errorf("hold namespaces: map: %w", err)
	}
	p.slot = (*Slot)(unsafe.Pointer(&p.memory[0]))
	err = errors.Join(unix.Pipe2(p.here[:], unix.O_CLOEXEC), unix.Pipe2(p.until[:], unix.O_CLOEXEC))
	if err == nil {
		p.wake, err = unix.Eventfd(0, unix.EFD_CLOEXEC)
	}
	if err == nil {
		p.caller, err = unix.PidfdOpen(os.Getpid(), 0)
	}
	if err != nil {
		p.free()
		return nil, fmt.Errorf("hold namespaces: %w", err)
	}
	return p, nil
}

// start returns when the process is there.
func (p *holder) start(h Host, kinds uint64) error {
	s := Spec{Actions: []Action{wait{}}, Files: []File{{3, p.here[1]}, {4, p.until[0]}, {5, p.caller}}, Container: &Container{Namespaces: kinds}}
	if err := p.program.Load(h, s); err != nil {
		return err
	}
	if err := Start(p.program, p.slot, p.wake); err != nil {
		return err
	}
	if p.arrived() {
		return nil
	}
	if err := Failure(p.program.Steps(), p.slot); err != nil {
		return fmt.Errorf("user namespace: %w", err)
	}
	return errors.New("user namespace: the process that makes it was killed")
}

// arrived waits until the holder is there, or the start has ended otherwise.
// The writing end is the child's too until that has a table of its own, so its
// end says nothing.
func (p *holder) arrived() bool {
	fds := []unix.PollFd{{Fd: int32(p.here[0]), Events: unix.POLLIN}, {Fd: int32(p.wake), Events: unix.POLLIN}}
	for range 10 {
		n, _ := unix.Poll(fds, 1000)
		if n > 0 {
			return fds[0].Revents != 0
		}
	}
	return false
}

// ended waits until the intermediate has said what became of the holder, for
// ten seconds: it may have been killed. Its memory is then not given back.
func (p *holder) ended() bool {
	for range 10 {
		if p.slot.Ended() {
			return true
		}
		unix.Poll([]unix.PollFd{{Fd: int32(p.wake), Events: unix.POLLIN}}, 1000)
	}
	return false
}

// free lets the process go, and what it used when it has gone.
func (p *holder) free() {
	for _, fd := range []int{p.until[1], p.here[0], p.here[1], p.until[0], p.caller} {
		if fd >= 0 {
			unix.Close(fd)
		}
	}
	gone := p.slot.Intermediate() == 0 || p.ended()
	if p.wake >= 0 {
		unix.Close(p.wake)
	}
	if gone {
		p.program.Free()
		unix.Munmap(p.memory)
	}
}

// wait is the action of a holder: it tells that it is there by a byte on
// descriptor 3, and waits until 4 ends, or the process of the pidfd 5 does.
type wait struct{}

func (wait) verb() string { return "hold namespaces" }

func (wait) add(l *list) {
	l.do("hold namespaces", "", "write", unix.SYS_WRITE, 3, "\x01", 1)
	l.do("hold namespaces", "", "ppoll", unix.SYS_PPOLL, []uint32{4, unix.POLLIN, 5, unix.POLLIN}, 2, 0, 0, 0)
}
