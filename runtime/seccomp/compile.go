package seccomp

import (
	"fmt"
	"slices"

	"github.com/orderly-init/orderly/runtime/calls"
	"golang.org/x/net/bpf"
)

// Places in struct seccomp_data. All our architectures are little-endian, so
// the lower half of an argument comes first.
const (
	atNumber    = 0
	atArch      = 4
	atArguments = 16
)

// x32 is the bit in the number of calls of the x32 ABI; the audit architecture
// is that of amd64.
const x32 = 0x40000000

// auditArch is AUDIT_ARCH_* of linux/audit.h.
func auditArch(a calls.Arch) uint32 {
	switch a {
	case calls.ARM64:
		return 0xc00000b7
	case calls.ARM:
		return 0x40000028
	case calls.AMD64:
	}
	return 0xc000003e
}

// maxInstructions is BPF_MAXINSNS, bpf(2).
const maxInstructions = 4096

// Compile makes the program for one architecture, each word a struct
// sock_filter. Calls of any other ABI kill the process.
func Compile(p Profile, a calls.Arch) ([]uint64, error) {
	code := []bpf.Instruction{
		bpf.LoadAbsolute{Off: atArch, Size: 4},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: auditArch(a), SkipTrue: 1},
		ret(Kill),
		bpf.LoadAbsolute{Off: atNumber, Size: 4},
	}
	if a == calls.AMD64 {
		code = append(code, bpf.JumpIf{Cond: bpf.JumpGreaterOrEqual, Val: x32, SkipFalse: 1}, ret(Kill))
	}
	spans := spansOf(p, a)
	for i, s := range spans {
		body, err := s.body()
		if err != nil {
			return nil, err
		}
		if i+1 < len(spans) {
			code = append(code, bpf.JumpIf{Cond: bpf.JumpGreaterOrEqual, Val: spans[i+1].first, SkipTrue: uint8(len(body))})
		}
		code = append(code, body...)
	}
	if len(code) > maxInstructions {
		return nil, fmt.Errorf("filter of %d instructions: the kernel takes %d", len(code), maxInstructions)
	}
	return words(code)
}

func ret(a Action) bpf.Instruction { return bpf.RetConstant{Val: uint32(a)} }

func words(code []bpf.Instruction) ([]uint64, error) {
	raw, err := bpf.Assemble(code)
	if err != nil {
		return nil, fmt.Errorf("assemble a filter: %w", err)
	}
	list := make([]uint64, 0, len(raw))
	for _, r := range raw {
		list = append(list, uint64(r.Op)|uint64(r.Jt)<<16|uint64(r.Jf)<<24|uint64(r.K)<<32)
	}
	return list, nil
}

// span is what happens from the number first up to that of the next span.
type span struct {
	first uint32
	then  Action
	rules []Rule // with conditions, asked before
}

func (s *span) plain() bool { return len(s.rules) == 0 }

// spansOf covers all numbers, in order, as few spans as there can be.
func spansOf(p Profile, a calls.Arch) []span {
	by := byNumber(p, calls.Numbers(a))
	numbers := make([]uint32, 0, len(by))
	for n := range by {
		numbers = append(numbers, n)
	}
	slices.Sort(numbers)
	spans := []span{{then: p.Default}}
	add := func(s span) {
		last := &spans[len(spans)-1]
		switch {
		case s.plain() && last.plain() && s.then == last.then:
		case s.first == last.first:
			*last = s
		default:
			spans = append(spans, s)
		}
	}
	for _, n := range numbers {
		s := *by[n]
		s.first = n
		add(s)
		if n < ^uint32(0) {
			if _, follows := by[n+1]; !follows {
				add(span{first: n + 1, then: p.Default})
			}
		}
	}
	return spans
}

// byNumber gathers the rules of each call: the first without a condition ends
// the list.
func byNumber(p Profile, numbers map[string]uint32) map[uint32]*span {
	by, done := map[uint32]*span{}, map[uint32]bool{}
	rules := slices.Concat([]Rule{{Names: always(), Action: Allow}}, p.Rules)
	for _, r := range rules {
		for _, name := range r.Names {
			n, has := numbers[name]
			if !has || done[n] {
				continue
			}
			if by[n] == nil {
				by[n] = &span{then: p.Default}
			}
			if len(r.If) == 0 {
				by[n].then, done[n] = r.Action, true
				continue
			}
			by[n].rules = append(by[n].rules, r)
		}
	}
	return by
}
