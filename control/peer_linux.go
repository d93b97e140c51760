package control

import (
	"net"
	"os"
	"slices"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Peer is who is at the other end, as the kernel knew it when the connection was made.
type Peer struct {
	PID, UID, GID int
	Groups        []int // supplementary
}

// In reports whether the peer is a member of a group.
func (p *Peer) In(gid int) bool { return p.GID == gid || slices.Contains(p.Groups, gid) }

// peerOf asks the kernel (unix(7), SO_PEERCRED and SO_PEERGROUPS).
func peerOf(c *net.UnixConn) (Peer, error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return Peer{}, err
	}
	var p Peer
	var failed error
	err = raw.Control(func(fd uintptr) {
		cred, err := unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
		if err != nil {
			failed = os.NewSyscallError("getsockopt SO_PEERCRED", err)
			return
		}
		p = Peer{PID: int(cred.Pid), UID: int(cred.Uid), GID: int(cred.Gid), Groups: peerGroups(fd)}
	})
	if err == nil {
		err = failed
	}
	return p, err
}

// peerGroups is empty on kernels before 4.13, where only the primary group counts.
func peerGroups(fd uintptr) []int {
	gids := make([]uint32, 256)
	for range 2 {
		size := uint32(len(gids) * 4)
		_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, fd, unix.SOL_SOCKET, unix.SO_PEERGROUPS,
			uintptr(unsafe.Pointer(&gids[0])), uintptr(unsafe.Pointer(&size)), 0)
		switch errno {
		case 0:
			all := make([]int, size/4)
			for i := range all {
				all[i] = int(gids[i])
			}
			return all
		case unix.ERANGE:
			gids = make([]uint32, size/4)
		default:
			return nil
		}
	}
	return nil
}
