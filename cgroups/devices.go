package cgroups

import (
	"fmt"
	"strings"
)

// DeviceRule lets the processes of a group use devices. What no rule allows is refused.
type DeviceRule struct {
	Type         byte   // 'c' or 'b'; 'a' is both
	Major, Minor int64  // -1 is any
	Access       string // of r, w and m (mknod(2))
}

// The kernel's words for what is asked for (struct bpf_cgroup_dev_ctx in linux/bpf.h).
const (
	deviceBlock, deviceChar              = 1, 2
	accessMknod, accessRead, accessWrite = 1, 2, 4
)

// rule is a DeviceRule in the kernel's words; kind 0 and numbers below 0 are any.
type rule struct {
	kind         int32
	major, minor int64
	access       int32
}

func (r DeviceRule) compile() (rule, error) {
	c := rule{major: r.Major, minor: r.Minor}
	switch r.Type {
	case 'a':
	case 'b':
		c.kind = deviceBlock
	case 'c':
		c.kind = deviceChar
	default:
		return c, fmt.Errorf("device rule %v: type %q is not a, b or c", r, r.Type)
	}
	for _, letter := range r.Access {
		at := strings.IndexRune("mrw", letter)
		if at < 0 {
			return c, fmt.Errorf("device rule %v: access %q is not of r, w and m", r, r.Access)
		}
		c.access |= 1 << at
	}
	const most = 1<<32 - 1 // the kernel has fewer; the program compares 32 bits
	if c.access == 0 || r.Major < -1 || r.Minor < -1 || r.Major > most || r.Minor > most {
		return c, fmt.Errorf("device rule %v: without access, or not a device number", r)
	}
	return c, nil
}

// String is the rule as version 1 of cgroups wrote it: "c 1:3 rw".
func (r DeviceRule) String() string {
	number := func(n int64) string {
		if n < 0 {
			return "*"
		}
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%c %s:%s %s", r.Type, number(r.Major), number(r.Minor), r.Access)
}

// compileAll merges rules for the same devices: a program that may read and may write may open for both at once.
func compileAll(rules []DeviceRule) ([]rule, error) {
	var all []rule
next:
	for _, r := range rules {
		c, err := r.compile()
		if err != nil {
			return nil, err
		}
		for i := range all {
			if o := &all[i]; o.kind == c.kind && o.major == c.major && o.minor == c.minor {
				o.access |= c.access
				continue next
			}
		}
		all = append(all, c)
	}
	return all, nil
}

// instruction is one of the kernel's virtual machine, struct bpf_insn in linux/bpf.h: the operation, the registers, and two constants.
type instruction struct {
	code      uint8
	registers uint8 // destination, and the source in the upper half
	offset    int16 // of a jump, from the next one on; of a load, into memory
	constant  int32
}

// Operations (instruction-set in the kernel's documentation), all on 32 bits but the exit.
const (
	opLoad      = 0x61 // destination = word at source + offset
	opCopy      = 0xbc // destination = source
	opSet       = 0xb4 // destination = constant
	opAnd       = 0x54 // destination &= constant
	opShift     = 0x74 // destination >>= constant
	opUnless    = 0x56 // jump where destination != constant
	opEnd       = 0x95 // the result is in register 0
	deviceRules = 512  // more would not fit the 16 bits of a jump, by far
)

// The registers of the program.
const (
	regResult, regContext = 0, 1
	regKind, regAccess    = 2, 3
	regMajor, regMinor    = 4, 5
	regScratch            = 6
)

// deviceProgram is what the kernel runs at each use of a device: 1 allows it. A rule allows what is asked for only if it allows all of
// it: one that lets a program read does not let it write because it wants to read too.
func deviceProgram(rules []rule) []instruction {
	p := []instruction{
		{opLoad, regKind | regContext<<4, 0, 0}, // the kind in the lower half, the access in the upper
		{opCopy, regAccess | regKind<<4, 0, 0},
		{opShift, regAccess, 0, 16},
		{opAnd, regKind, 0, 0xffff},
		{opLoad, regMajor | regContext<<4, 4, 0},
		{opLoad, regMinor | regContext<<4, 8, 0},
	}
	for _, r := range rules {
		p = append(p, r.instructions()...)
	}
	return append(p, instruction{opSet, regResult, 0, 0}, instruction{opEnd, 0, 0, 0})
}

// instructions end the program with 1 where the rule holds, and go on behind themselves where it does not.
func (r *rule) instructions() []instruction {
	var tests []instruction
	unless := func(register uint8, is int32) {
		tests = append(tests, instruction{opUnless, register, 0, is})
	}
	if r.kind != 0 {
		unless(regKind, r.kind)
	}
	if r.major >= 0 {
		unless(regMajor, int32(uint32(r.major)))
	}
	if r.minor >= 0 {
		unless(regMinor, int32(uint32(r.minor)))
	}
	tests = append(tests, instruction{opCopy, regScratch | regAccess<<4, 0, 0}, instruction{opAnd, regScratch, 0, ^r.access})
	unless(regScratch, 0)
	all := append(tests, instruction{opSet, regResult, 0, 1}, instruction{opEnd, 0, 0, 0})
	for i := range all {
		if all[i].code == opUnless {
			all[i].offset = int16(len(all) - i - 1)
		}
	}
	return all
}
