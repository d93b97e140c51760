package runtime

import (
	"sync/atomic"
	"syscall"
)

// Slot is what becomes of one start. It lies in memory that is mapped shared
// and that outlives the caller (a memfd), aligned to 8 bytes: the kernel, the
// child and the intermediate write into it, whoever is the caller by then.
type Slot struct {
	// Pid is written by the kernel before the child runs. It comes before
	// Done, and is not 0 too where a later step fails.
	Pid int32
	// Done is not 0 once the child has executed, failed or died.
	Done int32
	// Errno is why the step failed; 0: none did.
	Errno int32
	// Step is the index of the step that failed. It is stored before Errno.
	Step int32
	// Mid is the intermediate, written by the kernel before it runs; 0: the
	// clone never happened, so there is no child and will be none.
	Mid int32

	// missed is why each optional part failed, an errno by the Part.
	missed [22]uint16
}

// Started is the pid of the child; 0: there is none yet, or no clone.
func (s *Slot) Started() int { return int(atomic.LoadInt32(&s.Pid)) }

// Intermediate is the pid of the process that waits for the exec; 0: there was
// no clone.
func (s *Slot) Intermediate() int { return int(atomic.LoadInt32(&s.Mid)) }

// Ended reports whether the start is over, well or not. From then on the
// Program is free and the descriptors of the Spec may be closed.
func (s *Slot) Ended() bool { return atomic.LoadInt32(&s.Done) != 0 }

// Fail notes that a start that is over has failed, where nothing else says so: it was killed. The error is ECANCELED.
func (s *Slot) Fail() {
	s.Bar()
	atomic.StoreInt32(&s.Done, 1)
}

// Bar has a start count as one that has failed until Unbar: its child waits at a Gate, and one that is killed there leaves no error.
func (s *Slot) Bar() { atomic.CompareAndSwapInt32(&s.Errno, 0, int32(syscall.ECANCELED)) }

// Unbar comes before the last Gate is opened.
func (s *Slot) Unbar() { atomic.CompareAndSwapInt32(&s.Errno, int32(syscall.ECANCELED), 0) }

func (s *Slot) errno() syscall.Errno { return syscall.Errno(atomic.LoadInt32(&s.Errno)) }

func (s *Slot) clear() {
	atomic.StoreInt32(&s.Pid, 0)
	atomic.StoreInt32(&s.Errno, 0)
	atomic.StoreInt32(&s.Step, 0)
	atomic.StoreInt32(&s.Mid, 0)
	s.missed = [22]uint16{}
	atomic.StoreInt32(&s.Done, 0)
}
