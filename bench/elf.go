package main

import (
	"bytes"
	"encoding/binary"
)

// The programs of the guest are written here word by word: no compiler for the guest's architecture is needed, and nothing
// but the start itself takes time. Both first append the time of CLOCK_MONOTONIC to a file.

// loadAddress is where the one segment of a program lies.
const loadAddress = 0x400000

// Instructions of arm64 (Arm Architecture Reference Manual, C6.2).
const (
	svc0     = 0xd4000001 // svc #0
	frame    = 0xd10043ff // sub sp, sp, #16
	x1sp     = 0x910003e1 // mov x1, sp
	x1argv   = 0x910063e1 // add x1, sp, #24: argv, above the frame and argc
	x3argc   = 0xf9400be3 // ldr x3, [sp, #16]
	x2argv   = 0x8b030c22 // add x2, x1, x3, lsl #3
	x2plus8  = 0x91002042 // add x2, x2, #8: envp, behind the NULL of argv
	x0atCWD  = 0x92800c60 // mov x0, #-100: AT_FDCWD
	movzBase = 0xd2800000 // movz x0, #0
	adrBase  = 0x10000000 // adr x0, .
)

// Numbers of system calls on arm64 (asm-generic/unistd.h).
const (
	sysOpenat, sysWrite, sysPpoll, sysGettime, sysExecve = 56, 64, 73, 113, 221
)

// assembly is a program in the making: instructions, then strings.
type assembly struct {
	code  []uint32
	texts []text
}

// text is a string that the instruction at the index puts the address of into a register.
type text struct {
	at, register int
	s            string
}

func (a *assembly) add(words ...uint32) { a.code = append(a.code, words...) }

func movz(register, value int) uint32 { return movzBase | uint32(value)<<5 | uint32(register) }

func (a *assembly) call(nr int) { a.add(movz(8, nr), svc0) }

func (a *assembly) address(register int, s string) {
	a.texts = append(a.texts, text{len(a.code), register, s})
	a.add(adrBase)
}

// marking begins a program: the time of its first instruction is appended to the file.
func marking(file string) *assembly {
	const appendOnly = 0x401 // O_WRONLY|O_APPEND
	a := &assembly{}
	a.add(frame, movz(0, 1), x1sp)
	a.call(sysGettime)
	a.add(x0atCWD)
	a.address(1, file)
	a.add(movz(2, appendOnly))
	a.call(sysOpenat)
	a.add(x1sp, movz(2, markSize))
	a.call(sysWrite)
	return a
}

// service marks its start and waits for ever.
func service(file string) []byte {
	a := marking(file)
	a.add(movz(0, 0), movz(1, 0), movz(2, 0), movz(3, 0))
	a.call(sysPpoll)
	return a.program()
}

// starter marks its start and becomes another program, with the same arguments and environment.
func starter(file, next string) []byte {
	a := marking(file)
	a.address(0, next)
	a.add(x1argv, x3argc, x2argv, x2plus8)
	a.call(sysExecve)
	return a.program()
}

// program is the executable file: an ELF header, one program header, code, strings (elf(5)).
func (a *assembly) program() []byte {
	const headers = 64 + 56
	var strings bytes.Buffer
	for _, t := range a.texts {
		offset := 4*(len(a.code)-t.at) + strings.Len()
		a.code[t.at] |= uint32(offset&3)<<29 | uint32(offset>>2)<<5 | uint32(t.register)
		strings.WriteString(t.s + "\x00")
	}
	size := uint64(headers + 4*len(a.code) + strings.Len())
	const executable, aarch64, load, readExecute, page = 2, 183, 1, 5, 0x10000
	var out bytes.Buffer
	out.WriteString("\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00")
	for _, v := range []any{
		uint16(executable), uint16(aarch64), uint32(1), uint64(loadAddress + headers), uint64(64), uint64(0),
		uint32(0), uint16(64), uint16(56), uint16(1), uint16(64), uint16(0), uint16(0),
		uint32(load), uint32(readExecute), uint64(0), uint64(loadAddress), uint64(loadAddress), size, size, uint64(page),
		a.code,
	} {
		binary.Write(&out, binary.LittleEndian, v)
	}
	out.Write(strings.Bytes())
	return out.Bytes()
}
