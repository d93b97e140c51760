package manager

import (
	"errors"
	"fmt"
	"os"
	"strconv"

	"github.com/moby/sys/user"
	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/control"
	"github.com/orderly-init/orderly/init/keeper"
	"github.com/orderly-init/orderly/init/logs"
	"github.com/orderly-init/orderly/supervisor"
	"github.com/orderly-init/orderly/targets"
)

var errEnding = control.Failed("Orderly is ending")

// serve answers on the control socket: the one that the keeper holds, or a new one.
func (m *Manager) serve() error {
	fd := m.listener
	if fd < 0 {
		var err error
		if fd, err = m.bind(); err != nil {
			if !m.PID1 {
				return err
			}
			// a machine without a control socket is better than none
			m.notes = append(m.notes, err.Error())
			m.say(targets.Error, logs.Name, 0, err.Error()) // status is what cannot be asked for
			return nil
		}
	}
	m.authorise()
	m.server = &control.Server{
		Methods: m.methods(),
		Allow:   func(p control.Peer, a control.Access) bool { return (*m.allowed.Load())(p, a) },
		Audit:   m.audit,
		Info:    control.Info{Vendor: "Orderly", Product: "orderly", Version: m.Version, URL: "https://github.com/orderly-init/orderly"},
	}
	return m.accepting(fd)
}

// unserve ends every connection. What is being asked gets the error that Orderly ends.
func (m *Manager) unserve() {
	if m.server == nil {
		return
	}
	m.accept.Close()
	m.server.Close()
	if m.end == supervisor.GoOn {
		return
	}
	unix.Unlink(m.Control)
	for _, u := range m.units {
		if u.notify >= 0 {
			unix.Unlink(m.notifyPath(u))
		}
	}
}

// bind makes the control socket.
func (m *Manager) bind() (int, error) {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, os.NewSyscallError("socket", err)
	}
	if err := m.bindTo(fd); err != nil {
		unix.Close(fd)
		return -1, fmt.Errorf("control socket: %w", err)
	}
	m.hold(keeper.Message{Tags: []keeper.Tag{{Use: keeper.Listener}}, Files: []int{fd}})
	return fd, nil
}

// backlog is how many clients may wait to be let in, above all while there is no manager.
const backlog = 256

func (m *Manager) bindTo(fd int) error {
	path := m.Control
	if err := unix.Unlink(path); err != nil && err != unix.ENOENT {
		return &os.PathError{Op: "unlink", Path: path, Err: err}
	}
	if err := unix.Bind(fd, &unix.SockaddrUnix{Name: path}); err != nil {
		return &os.PathError{Op: "bind", Path: path, Err: err}
	}
	// who may do what is asked at each call; the mode is only about connecting
	if err := os.Chmod(path, os.FileMode(m.config.Control.Mode)); err != nil {
		return err
	}
	return os.NewSyscallError("listen", unix.Listen(fd, backlog))
}

// authorise makes the rules of the present configuration those that are asked.
func (m *Manager) authorise() {
	rule := m.allow()
	m.allowed.Store(&rule)
}

// allow says who may do what: root and who runs Orderly everything, members of control.group too, members of
// control.read_group may look; an empty read_group is everybody.
func (m *Manager) allow() func(control.Peer, control.Access) bool {
	change, err1 := groupID(m.config.Control.Group)
	read, err2 := groupID(m.config.Control.ReadGroup)
	for _, err := range []error{err1, err2} {
		if err != nil {
			m.notes = append(m.notes, "control: "+err.Error()+": only root may change")
		}
	}
	everybody := m.config.Control.ReadGroup == ""
	self := os.Geteuid()
	return func(p control.Peer, a control.Access) bool {
		switch {
		case p.UID == 0, p.UID == self, change >= 0 && p.In(change):
			return true
		case a == control.Look:
			return everybody || read >= 0 && p.In(read)
		}
		return false
	}
}

// groupID finds a group by name or digits; -1 is none.
func groupID(name string) (int, error) {
	if name == "" {
		return -1, nil
	}
	if gid, err := strconv.Atoi(name); err == nil {
		return gid, nil
	}
	g, err := user.LookupGroup(name)
	if errors.Is(err, user.ErrNoGroupEntries) || err != nil && errors.Is(err, os.ErrNotExist) {
		return -1, fmt.Errorf("group %s does not exist", name)
	}
	if err != nil {
		return -1, fmt.Errorf("group %s: %w", name, err)
	}
	return g.Gid, nil
}

func (m *Manager) audit(p control.Peer, method string) {
	m.loop.Post(func() {
		m.system(targets.Warning, fmt.Sprintf("control: %s by user %d (process %d) was denied", method, p.UID, p.PID))
	})
}
