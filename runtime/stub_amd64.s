#include "textflag.h"

// The init of a container: code that is copied into a program of its own, so it
// uses no address of ours. See stub_linux.go.
//
// R12 where argc lies, R13 the program's pid, R14 scratch: a set of signals at
// 0, a siginfo at 16, a wait status at 160.

#define rt_sigprocmask   14
#define rt_sigtimedwait 128
#define clone            56
#define execve           59
#define wait4            61
#define kill             62
#define exit_group      231
#define sigchld          17

TEXT stub<>(SB), NOSPLIT|NOFRAME, $0
	MOVQ SP, R12
	LEAQ -512(R12), R14
	MOVQ $-1, AX
	MOVQ AX, 0(R14)
	MOVQ $rt_sigprocmask, AX
	MOVQ $2, DI
	MOVQ R14, SI
	XORQ DX, DX
	MOVQ $8, R10
	SYSCALL
	MOVQ $clone, AX
	MOVQ $sigchld, DI
	XORQ SI, SI
	XORQ DX, DX
	XORQ R10, R10
	XORQ R8, R8
	SYSCALL
	TESTQ AX, AX
	JNE  parent
	MOVQ $0, 0(R14)
	MOVQ $rt_sigprocmask, AX
	MOVQ $2, DI
	MOVQ R14, SI
	XORQ DX, DX
	MOVQ $8, R10
	SYSCALL
	MOVQ 8(R12), DI
	LEAQ 16(R12), SI
	MOVQ 0(R12), AX
	LEAQ 16(R12)(AX*8), DX
	MOVQ $execve, AX
	SYSCALL
	MOVQ $127, DI
	MOVQ $exit_group, AX
	SYSCALL

parent:
	MOVQ AX, R13

next:
	MOVQ $rt_sigtimedwait, AX
	MOVQ R14, DI
	LEAQ 16(R14), SI
	XORQ DX, DX
	MOVQ $8, R10
	SYSCALL
	CMPQ AX, $sigchld
	JEQ  reap
	CMPQ AX, $1
	JLT  next
	MOVQ AX, SI
	MOVQ $kill, AX
	MOVQ R13, DI
	SYSCALL
	JMP  next

reap:
	MOVQ $wait4, AX
	MOVQ $-1, DI
	LEAQ 160(R14), SI
	MOVQ $1, DX
	XORQ R10, R10
	SYSCALL
	CMPQ AX, $1
	JLT  next
	CMPQ AX, R13
	JNE  reap
	MOVL 160(R14), DI
	MOVL DI, SI
	ANDL $0x7f, SI
	JNE  killed
	SHRL $8, DI
	ANDL $0xff, DI
	JMP  end

killed:
	LEAQ 128(SI), DI

end:
	MOVQ $exit_group, AX
	SYSCALL
	INT $3

// func stubAddress() unsafe.Pointer
TEXT ·stubAddress(SB), NOSPLIT, $0-8
	LEAQ stub<>(SB), AX
	MOVQ AX, ret+0(FP)
	RET
