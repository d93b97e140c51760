package seccomp

import "golang.org/x/net/bpf"

// body is the code of a span: its conditional rules, then its action.
func (s *span) body() ([]bpf.Instruction, error) {
	var code []bpf.Instruction
	for _, r := range s.rules {
		code = append(code, r.code()...)
	}
	code = append(code, ret(s.then))
	if len(code) > maxBody {
		return nil, tooLong{}
	}
	return code, nil
}

// maxBody keeps what is jumped over below the two marks.
const maxBody = 250

// tooLong is a call with more conditions than a jump can skip.
type tooLong struct{}

func (tooLong) Error() string { return "too many conditions for one system call" }

// Jumps to be filled in once the length of what is jumped over is known.
const (
	toHolds = 254 // behind this condition: it holds
	toFails = 255 // behind this rule: it does not
)

// code answers with the action, or goes on behind it. It leaves an argument in
// the accumulator: nobody after it asks for the number again.
func (r *Rule) code() []bpf.Instruction {
	var code []bpf.Instruction
	for _, c := range r.If {
		code = append(code, settle(c.code(), toHolds)...)
	}
	return settle(append(code, ret(r.Action)), toFails)
}

// settle makes the jumps to one place go behind the code.
func settle(code []bpf.Instruction, to uint8) []bpf.Instruction {
	for i, in := range code {
		j, isJump := in.(bpf.JumpIf)
		if !isJump {
			continue
		}
		over := uint8(len(code) - i - 1)
		if j.SkipTrue == to {
			j.SkipTrue = over
		}
		if j.SkipFalse == to {
			j.SkipFalse = over
		}
		code[i] = j
	}
	return code
}

// code compares the upper half, and where that does not decide the lower one.
func (c *Condition) code() []bpf.Instruction {
	low, high := uint32(c.Value), uint32(c.Value>>32)
	loadLow := bpf.LoadAbsolute{Off: uint32(atArguments + 8*c.Index), Size: 4}
	loadHigh := bpf.LoadAbsolute{Off: loadLow.Off + 4, Size: 4}
	jump := func(cond bpf.JumpTest, val uint32, yes, no uint8) bpf.Instruction {
		return bpf.JumpIf{Cond: cond, Val: val, SkipTrue: yes, SkipFalse: no}
	}
	order := func(cond bpf.JumpTest, yes, no uint8) []bpf.Instruction {
		return []bpf.Instruction{
			loadHigh, jump(bpf.JumpGreaterThan, high, yes, 0), jump(bpf.JumpEqual, high, 0, no),
			loadLow, jump(cond, low, yes, no),
		}
	}
	switch c.Compare {
	case NotEqual:
		return []bpf.Instruction{loadHigh, jump(bpf.JumpEqual, high, 0, toHolds), loadLow, jump(bpf.JumpEqual, low, toFails, toHolds)}
	case Greater:
		return order(bpf.JumpGreaterThan, toHolds, toFails)
	case GreaterOrEqual:
		return order(bpf.JumpGreaterOrEqual, toHolds, toFails)
	case Less:
		return order(bpf.JumpGreaterOrEqual, toFails, toHolds)
	case LessOrEqual:
		return order(bpf.JumpGreaterThan, toFails, toHolds)
	case Masked:
		return []bpf.Instruction{
			loadHigh, bpf.ALUOpConstant{Op: bpf.ALUOpAnd, Val: uint32(c.Mask >> 32)}, jump(bpf.JumpEqual, high, 0, toFails),
			loadLow, bpf.ALUOpConstant{Op: bpf.ALUOpAnd, Val: uint32(c.Mask)}, jump(bpf.JumpEqual, low, 0, toFails),
		}
	case Equal:
	}
	return []bpf.Instruction{loadHigh, jump(bpf.JumpEqual, high, 0, toFails), loadLow, jump(bpf.JumpEqual, low, 0, toFails)}
}
