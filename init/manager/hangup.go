package manager

import (
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// hangUp ends the connections of an earlier manager. The intermediates of its starts share its descriptors, and live as long as a child
// takes to its exec: so long no client would notice that nobody answers any more.
func (m *Manager) hangUp() {
	for _, p := range m.flight {
		if mid := p.slot.Intermediate(); mid != 0 && !p.slot.Ended() {
			m.hangUpAt(mid)
		}
	}
}

// hangUpAt does it at one of them (pidfd_getfd(2), Linux 5.6).
func (m *Manager) hangUpAt(pid int) {
	pidfd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return
	}
	defer unix.Close(pidfd)
	for _, number := range leadingTo(itoa(pid), "socket:") {
		fd, err := unix.PidfdGetfd(pidfd, number, 0)
		if err != nil {
			continue
		}
		if m.connected(fd) {
			unix.Shutdown(fd, unix.SHUT_RDWR)
		}
		unix.Close(fd)
	}
}

// leadingTo are the descriptors of a process, by its name in /proc, whose links begin so.
func leadingTo(process, prefix string) (list []int) {
	dir := "/proc/" + process + "/fd/"
	names, _ := os.ReadDir(dir)
	for _, n := range names {
		to, _ := os.Readlink(dir + n.Name())
		if fd, err := strconv.Atoi(n.Name()); err == nil && strings.HasPrefix(to, prefix) {
			list = append(list, fd)
		}
	}
	return list
}

// connected says whether a socket is a connection with a client of ours.
func (m *Manager) connected(fd int) bool {
	name, err := unix.Getsockname(fd)
	if err != nil {
		return false
	}
	own, ok := name.(*unix.SockaddrUnix)
	listens, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ACCEPTCONN)
	return ok && own.Name == m.Control && err == nil && listens == 0
}
