package runtime

import (
	"fmt"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// head is how the memory of a Program begins; the ops follow, then what they
// point to. The assembly knows both structs by go_asm.h.
type head struct {
	full         uint64 // the set of all signals
	old          uint64 // the caller's mask, while it clones
	outer, inner cloneArgs
	busy         uint32 // 0 once the intermediate reads no more here
	_            uint32
}

// op is a system call as the interpreter reads it. Flags: see flag.
type op struct {
	nr    uintptr
	a     [6]uintptr
	flags uintptr
	skip  uintptr // bytes from this one to the last that a failure leaves out
}

const (
	word   = int(unsafe.Sizeof(uintptr(0)))
	align  = 8
	opSize = int(unsafe.Sizeof(op{}))
	opBase = int(unsafe.Sizeof(head{}))
)

func aligned(n int) int { return (n + align - 1) &^ (align - 1) }

// ops is how many system calls a step makes.
func (s *Step) ops() int { return max(1, len(s.Each)) }

// countOps is how many they all make, and the outer clone.
func countOps(steps []Step) int {
	count := 1
	for i := range steps {
		count += steps[i].ops()
	}
	return count
}

// layout is the size of the memory that the steps need.
func layout(steps []Step) (int, error) {
	size := aligned(opBase + countOps(steps)*opSize)
	for i := range steps {
		for _, a := range steps[i].Args {
			n, err := sizeOf(a)
			if err != nil {
				return 0, fmt.Errorf("%s: %w", steps[i].Name(), err)
			}
			size += n
		}
	}
	return size, nil
}

func sizeOf(a any) (int, error) {
	switch a := a.(type) {
	case string:
		if strings.IndexByte(a, 0) >= 0 {
			return 0, fmt.Errorf("%q: %w", a, unix.EINVAL)
		}
		return aligned(len(a) + 1), nil
	case Code:
		return aligned(2*word) + 8*len(a), nil
	case []uint64:
		return 8 * len(a), nil
	case []uint32:
		return aligned(4 * len(a)), nil
	case []string:
		size := aligned((len(a) + 1) * word)
		for _, s := range a {
			n, err := sizeOf(s)
			if err != nil {
				return 0, err
			}
			size += n
		}
		return size, nil
	}
	return 0, nil
}

// arena hands out the memory behind the ops.
type arena struct {
	memory []byte
	used   int
}

func (a *arena) take(n int) []byte {
	b := a.memory[a.used : a.used+n : a.used+n]
	a.used += aligned(n)
	return b
}

func address(b []byte) uintptr { return uintptr(unsafe.Pointer(unsafe.SliceData(b))) }

func numbers[N uint32 | uint64](a *arena, v []N) uintptr {
	if len(v) == 0 {
		return 0
	}
	b := a.take(len(v) * int(unsafe.Sizeof(v[0])))
	copy(unsafe.Slice((*N)(unsafe.Pointer(unsafe.SliceData(b))), len(v)), v)
	return address(b)
}

func (a *arena) text(s string) uintptr {
	b := a.take(len(s) + 1)
	b[copy(b, s)] = 0
	return address(b)
}

func (a *arena) vector(list []string) uintptr {
	b := a.take((len(list) + 1) * word)
	words := unsafe.Slice((*uintptr)(unsafe.Pointer(unsafe.SliceData(b))), len(list)+1)
	for i, s := range list {
		words[i] = a.text(s)
	}
	words[len(list)] = 0
	return address(b)
}

// code is struct sock_fprog: a length of 16 bits in the first word, the address
// in the second.
func (a *arena) code(c Code) uintptr {
	b := a.take(2 * word)
	words := unsafe.Slice((*uintptr)(unsafe.Pointer(unsafe.SliceData(b))), 2)
	words[0], words[1] = uintptr(len(c)), numbers(a, []uint64(c))
	return address(b)
}

func (a *arena) value(v any) uintptr {
	switch v := v.(type) {
	case int:
		return uintptr(v)
	case uintptr:
		return v
	case string:
		return a.text(v)
	case Code:
		return a.code(v)
	case []uint64:
		return numbers(a, v)
	case []uint32:
		return numbers(a, v)
	case []string:
		return a.vector(v)
	}
	return 0
}

// encode writes the whole memory anew: head, the outer clone, the steps.
func (p *Program) encode(steps []Step) {
	count := countOps(steps)
	h := p.head()
	*h = head{full: ^uint64(0)}
	ops := unsafe.Slice((*op)(unsafe.Pointer(&p.memory[opBase])), count)
	a := &arena{memory: p.memory, used: aligned(opBase + count*opSize)}
	next := 1
	for i := range steps {
		if steps[i].clone {
			p.inner = next
			p.encodeClones(h, &ops[0], &ops[next])
			ops[next].flags |= uintptr(i) << stepShift
			next++
			continue
		}
		next += encodeStep(a, ops[next:], i, &steps[i])
	}
}

func encodeStep(a *arena, ops []op, index int, s *Step) int {
	o := op{nr: s.Nr, flags: uintptr(s.how) | uintptr(s.Fine)<<fineShift | uintptr(index)<<stepShift, skip: uintptr(s.skip * opSize)}
	if s.how&flagSoft != 0 {
		o.flags = uintptr(s.how) | uintptr(s.Fine)<<fineShift | uintptr(s.part)<<stepShift
	}
	first := 0
	if len(s.Each) > 0 {
		first = 1
	}
	for i, v := range s.Args {
		o.a[first+i] = a.value(v)
	}
	ops[0] = o
	for i, v := range s.Each {
		ops[i] = o
		ops[i].a[0] = uintptr(v)
	}
	return s.ops()
}

// encodeClones writes the two clones. By clone(2) the first three arguments
// are flags, stack and parent_tid on all our architectures.
func (p *Program) encodeClones(h *head, outer, inner *op) {
	f := p.host.Flavour
	alone := uintptr(0) // the exit signal is the parent's, where that is not the caller
	if p.host.Alone {
		alone = uintptr(unix.SIGCHLD)
	}
	if f == Cow {
		*outer = op{nr: unix.SYS_CLONE, a: [6]uintptr{uintptr(outerFlags(&p.host)) | alone}}
		*inner = op{nr: unix.SYS_CLONE, a: [6]uintptr{uintptr(innerFlags(&p.spec, f)) | uintptr(unix.SIGCHLD)}, flags: uintptr(flagFork | flagOuter)}
		return
	}
	h.outer = cloneArgs{flags: outerFlags(&p.host), exitSignal: uint64(alone)}
	h.inner = cloneArgs{flags: innerFlags(&p.spec, f), exitSignal: uint64(unix.SIGCHLD)}
	if p.spec.Cgroup > 0 {
		h.inner.cgroup = uint64(p.spec.Cgroup)
	}
	size := unsafe.Sizeof(cloneArgs{})
	*outer = op{nr: unix.SYS_CLONE3, a: [6]uintptr{uintptr(unsafe.Pointer(&h.outer)), size}}
	*inner = op{nr: unix.SYS_CLONE3, a: [6]uintptr{uintptr(unsafe.Pointer(&h.inner)), size}, flags: uintptr(flagFork | flagOuter)}
}

// aim makes the kernel write the pids of the intermediate and of the child
// into the Slot.
func (p *Program) aim(s *Slot) {
	mid, pid := uintptr(unsafe.Pointer(&s.Mid)), uintptr(unsafe.Pointer(&s.Pid))
	h := p.head()
	h.outer.parentTID, h.inner.parentTID = uint64(mid), uint64(pid)
	if p.host.Flavour == Cow {
		outer := (*op)(unsafe.Pointer(&p.memory[opBase]))
		inner := (*op)(unsafe.Pointer(&p.memory[opBase+p.inner*opSize]))
		outer.a[2], inner.a[2] = mid, pid
	}
}
