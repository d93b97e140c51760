package manager

import (
	"fmt"
	"net"
	"os"
	"time"

	"github.com/orderly-init/orderly/runtime/ready"
	"github.com/orderly-init/orderly/targets"
)

// The file of a socket may be deleted, with its directory or under another mount: the socket is then there, and nobody finds it. A
// new one is made in its place; who is connected stays so.

// lastAccept is how long a listener whose file is gone is served.
const lastAccept = time.Second

// guardSocket waits for the end of the control socket's file. Where the kernel cannot tell it is looked for at SIGHUP.
func (m *Manager) guardSocket() {
	if m.accept == nil {
		return
	}
	m.bound = ready.MarkOf(m.Control).File()
	m.socket = &ready.Path{Name: m.Control, Self: true, Test: func() bool { return m.unfound(m.Control, m.bound) }, Holds: func() {
		m.loop.Post(m.rebind)
	}}
	m.paths.Add(m.socket)
}

// unfound says whether another file, or none, is where a socket was bound.
func (m *Manager) unfound(path string, bound ready.Mark) bool {
	now := ready.MarkOf(path).File()
	return now == (ready.Mark{}) || now != bound
}

// rebind makes the control socket again.
func (m *Manager) rebind() {
	if m.socket == nil || !m.unfound(m.Control, m.bound) {
		return
	}
	m.paths.Remove(m.socket)
	if err := m.bindAgain(); err != nil {
		m.system(targets.Error, "the control socket's file is gone: "+err.Error())
		return // looked for again at SIGHUP
	}
	m.system(targets.Warning, "the control socket's file was gone and is there again")
	m.guardSocket()
}

func (m *Manager) bindAgain() error {
	if locked, err := ready.MarkOfFile(m.locked); err != nil || m.unfound(m.lockPath(), locked.File()) {
		if err := m.takeLock(0); err != nil {
			return err // the place is another Orderly's by now
		}
	}
	fd, err := m.bind()
	if err != nil {
		return err
	}
	return m.accepting(fd)
}

// accepting has clients of a control socket served, and nobody of the one before any more.
func (m *Manager) accepting(fd int) error {
	file := os.NewFile(uintptr(fd), m.Control)
	l, err := net.FileListener(file)
	file.Close()
	if err != nil {
		return fmt.Errorf("control socket %s: %w", m.Control, err)
	}
	if m.accept != nil {
		m.accept.SetDeadline(time.Now().Add(lastAccept)) // who is connected and was not heard yet is heard
	}
	accept := l.(*net.UnixListener)
	accept.SetUnlinkOnClose(false)
	m.accept = accept
	m.work.Go(func() { m.server.Serve(accept) })
	return nil
}
