package runtime

import (
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// ErrBusy is the answer where a child may still read the Program.
var ErrBusy = errors.New("program is in use by a start")

// Program is a spawn list laid out in memory: mapped, so that the collector
// neither moves nor frees it, and shared, so that a copy of the caller sees
// it. It serves one start at a time and any number of them, and belongs to one
// goroutine. It takes one or two pages: keep as many as starts overlap, and
// Load each for the next Spec, rather than one for each component.
type Program struct {
	memory []byte
	spec   Spec
	host   Host
	inner  int // where the child's clone is among the operations
}

// Prepare makes a Program for a Spec.
func Prepare(h Host, s Spec) (*Program, error) {
	p := new(Program)
	if err := p.Load(h, s); err != nil {
		return nil, err
	}
	return p, nil
}

// Load replaces what the Program starts.
func (p *Program) Load(h Host, s Spec) error {
	if p.Busy() {
		return ErrBusy
	}
	if err := s.check(&h); err != nil {
		return fmt.Errorf("start %s: %w", s.subject(), err)
	}
	if s.Apart() {
		h.Flavour = Cow
	}
	steps := s.Steps(h)
	size, err := layout(steps)
	if err != nil {
		return fmt.Errorf("start %s: %w", s.subject(), err)
	}
	if err := p.reserve(size); err != nil {
		return err
	}
	p.spec, p.host = s, h
	p.encode(steps)
	return nil
}

// check finds what the kernel would take for something else: an id of all ones
// leaves the id as it is, setresuid(2).
func (s *Spec) check(h *Host) error {
	if c := s.Credential; c != nil && (c.UID == ^uint32(0) || c.GID == ^uint32(0)) {
		return fmt.Errorf("credential %d:%d: not an id", c.UID, c.GID)
	}
	named := slices.Concat(s.Capabilities, s.Ambient)
	if c := s.Sets; c != nil {
		named = slices.Concat(named, c.Bounding, c.Permitted, c.Effective, c.Inheritable)
	}
	for _, n := range named {
		if n < 0 || n > h.lastCapability() {
			return fmt.Errorf("capability %s: the kernel does not have it", capabilityName(n))
		}
	}
	if c := s.Container; c != nil {
		if err := c.check(s.Hold); err != nil {
			return err
		}
	}
	for _, n := range s.CPUs {
		if n < 0 {
			return fmt.Errorf("cpu %d: negative", n)
		}
	}
	for i, f := range s.Files {
		if f.Child < 0 || f.FD < 0 {
			return fmt.Errorf("descriptor %d from %d: negative", f.Child, f.FD)
		}
		for _, g := range s.Files[:i] {
			if f.Child == g.Child {
				return fmt.Errorf("descriptor %d: given twice", f.Child)
			}
		}
	}
	return nil
}

// Steps is the list that the Program holds.
func (p *Program) Steps() []Step { return p.spec.Steps(p.host) }

// Busy reports whether a child may still read the Program.
func (p *Program) Busy() bool {
	return p.memory != nil && atomic.LoadUint32(&p.head().busy) != 0
}

// Free gives the memory back.
func (p *Program) Free() error {
	if p.Busy() {
		return ErrBusy
	}
	if p.memory == nil {
		return nil
	}
	memory := p.memory
	p.memory = nil
	return unix.Munmap(memory)
}

func (p *Program) reserve(size int) error {
	if size <= len(p.memory) {
		return nil
	}
	page := unix.Getpagesize()
	size = (size + page - 1) / page * page
	memory, err := unix.Mmap(-1, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_ANON)
	if err != nil {
		return fmt.Errorf("map %d bytes for a program: %w", size, err)
	}
	if err := p.Free(); err != nil {
		return errors.Join(err, unix.Munmap(memory))
	}
	p.memory = memory
	return nil
}

func (p *Program) head() *head { return (*head)(unsafe.Pointer(&p.memory[0])) }

// Start clones. The error is that of the clone itself; all that happens in the
// child is in the Slot, and once it is there 8 bytes are written to wake, an
// eventfd(2). The write is made by number: wake must stay open, and be the
// same open file for the next caller, if that is to hear of it.
func Start(p *Program, s *Slot, wake int) error {
	if p.memory == nil {
		return errors.New("start: the program is empty")
	}
	if p.Busy() {
		return ErrBusy
	}
	h := p.head()
	s.clear()
	p.aim(s)
	atomic.StoreUint32(&h.busy, 1)
	if r := run(h, s, uintptr(wake)); r < 0 {
		atomic.StoreUint32(&h.busy, 0)
		return fmt.Errorf("start %s: clone: %w", p.spec.subject(), syscall.Errno(-r))
	}
	return nil
}

// run clones and returns the pid of the intermediate, or an errno below 0. In
// the child it does not return.
//
//go:noescape
func run(h *head, s *Slot, wake uintptr) int
