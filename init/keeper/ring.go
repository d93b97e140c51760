package keeper

import (
	"fmt"
	"os"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// ringSize is how many exits the ring holds. When it is full the keeper stops reaping and the kernel keeps the
// rest: a zombie is its own record.
const ringSize = 4096

// Exit is one child that ended, as the keeper reaped it.
type Exit struct {
	Seq    uint64 // 1 for the first
	PID    int32
	Status uint32 // as wait4(2) gives it
	CPU    int64  // nanoseconds, user and system
	MaxRSS int64  // kilobytes
	Time   int64  // nanoseconds, CLOCK_MONOTONIC
	_      [16]byte
}

// ringHead is the first page of the ring. Head is written by the keeper alone, the others by the manager alone.
type ringHead struct {
	head    atomic.Uint64 // seq of the newest exit
	applied atomic.Uint64 // seq up to which every exit has been acted on and stored
	beat    atomic.Uint64 // the manager's loop has gone round
	ill     atomic.Uint64 // 1: the watchdog must not be fed
	_       [4096 - 32]byte
}

// Ring is the record of exits that keeper and manager share: a memfd that both have mapped.
type Ring struct {
	head *ringHead
	slot *[ringSize]Exit
}

// NewRing makes the memfd of a ring, which is small until it is used.
func NewRing() (fd int, err error) {
	return Memfd("orderly-exits", int64(unsafe.Sizeof(ringHead{})+unsafe.Sizeof([ringSize]Exit{})))
}

// MapRing maps the ring of a descriptor.
func MapRing(fd int) (*Ring, error) {
	b, err := Map(fd)
	if err != nil {
		return nil, fmt.Errorf("exit ring: %w", err)
	}
	if len(b) < int(unsafe.Sizeof(ringHead{})+unsafe.Sizeof([ringSize]Exit{})) {
		return nil, fmt.Errorf("exit ring: %d bytes are too few", len(b))
	}
	return &Ring{
		head: (*ringHead)(unsafe.Pointer(&b[0])),
		slot: (*[ringSize]Exit)(unsafe.Pointer(&b[unsafe.Sizeof(ringHead{})])),
	}, nil
}

// Head is the number of the newest exit.
func (r *Ring) Head() uint64 { return r.head.head.Load() }

// Applied is the number up to which the manager has acted.
func (r *Ring) Applied() uint64 { return r.head.applied.Load() }

// Beat is a count that the manager's loop moves on: the evidence that it lives.
func (r *Ring) Beat() uint64 { return r.head.beat.Load() }

// Turn moves the beat on.
func (r *Ring) Turn() { r.head.beat.Add(1) }

// Feel notes, before a Turn, whether the watchdog may be fed.
func (r *Ring) Feel(ill bool) {
	state := uint64(0)
	if ill {
		state = 1
	}
	r.head.ill.Store(state)
}

// Ill says whether the manager, when it was last there, forbade the watchdog to be fed.
func (r *Ring) Ill() bool { return r.head.ill.Load() != 0 }

func (r *Ring) full() bool { return r.Head()-r.Applied() >= ringSize }

// append adds an exit and gives it its number; only the keeper's reaper calls it, and only when not full.
func (r *Ring) append(e Exit) {
	e.Seq = r.Head() + 1
	r.slot[e.Seq%ringSize] = e
	r.head.head.Store(e.Seq)
}

// After returns the oldest exit that is still there with a number above seq.
func (r *Ring) After(seq uint64) (Exit, bool) {
	head := r.Head()
	if head > ringSize && seq < head-ringSize {
		seq = head - ringSize
	}
	if seq >= head {
		return Exit{}, false
	}
	return r.slot[(seq+1)%ringSize], true
}

// Apply tells the keeper that every exit up to seq has been acted on and is stored.
func (r *Ring) Apply(seq uint64) { r.head.applied.Store(seq) }

// Has reports whether the ring holds an exit of the pid with a number above seq: such a pid may have been reused.
func (r *Ring) Has(pid int32, seq uint64) bool {
	_, ok := r.Find(pid, seq)
	return ok
}

// Find is that exit.
func (r *Ring) Find(pid int32, seq uint64) (e Exit, ok bool) {
	for e.Seq = seq; ; {
		if e, ok = r.After(e.Seq); !ok || e.PID == pid {
			return e, ok
		}
	}
}

// Memfd makes an anonymous file of a size (memfd_create(2)); it closes on exec.
func Memfd(name string, size int64) (int, error) {
	fd, err := unix.MemfdCreate(name, unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		return -1, os.NewSyscallError("memfd_create "+name, err)
	}
	if err := unix.Ftruncate(fd, size); err != nil {
		unix.Close(fd)
		return -1, os.NewSyscallError("ftruncate "+name, err)
	}
	return fd, nil
}

// Sealed puts bytes into a memfd that nobody can change any more (fcntl(2), F_ADD_SEALS); it closes on exec. Their reader gives an
// offset of his own: that of the file is the writer's.
func Sealed(name string, b []byte) (int, error) {
	fd, err := Memfd(name, 0)
	if err != nil {
		return -1, err
	}
	if err := writeAll(fd, b); err != nil {
		unix.Close(fd)
		return -1, os.NewSyscallError("write memfd "+name, err)
	}
	const seals = unix.F_SEAL_SEAL | unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_WRITE
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, seals); err != nil {
		unix.Close(fd)
		return -1, os.NewSyscallError("seal memfd "+name, err)
	}
	return fd, nil
}

func writeAll(fd int, b []byte) error {
	for len(b) > 0 {
		n := 0
		err := retry(func() (err error) {
			n, err = unix.Write(fd, b)
			return err
		})
		if err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}

// Map maps the whole of a file, shared and writable.
func Map(fd int) ([]byte, error) {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return nil, os.NewSyscallError("fstat", err)
	}
	b, err := unix.Mmap(fd, 0, int(st.Size), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	return b, os.NewSyscallError("mmap", err)
}
