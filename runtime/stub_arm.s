#include "textflag.h"

// See stub_amd64.s.
//
// R4 where argc lies, R5 the program's pid, R6 scratch.

#define rt_sigprocmask  175
#define rt_sigtimedwait 177
#define clone           120
#define execve           11
#define wait4           114
#define kill             37
#define exit_group      248
#define sigchld          17

TEXT stub<>(SB), NOSPLIT|NOFRAME, $0
	MOVW R13, R4
	SUB  $512, R4, R6
	MOVW $-1, R0
	MOVW R0, 0(R6)
	MOVW R0, 4(R6)
	MOVW $rt_sigprocmask, R7
	MOVW $2, R0
	MOVW R6, R1
	MOVW $0, R2
	MOVW $8, R3
	SWI  $0
	MOVW $clone, R7
	MOVW $sigchld, R0
	MOVW $0, R1
	MOVW $0, R2
	MOVW $0, R3
	MOVW R4, R8
	MOVW $0, R4
	SWI  $0
	MOVW R8, R4
	CMP  $0, R0
	BNE  parent
	MOVW R0, 0(R6)
	MOVW R0, 4(R6)
	MOVW $rt_sigprocmask, R7
	MOVW $2, R0
	MOVW R6, R1
	MOVW $0, R2
	MOVW $8, R3
	SWI  $0
	MOVW 4(R4), R0
	ADD  $8, R4, R1
	MOVW 0(R4), R3
	ADD  R3<<2, R1, R2
	MOVW $execve, R7
	SWI  $0
	MOVW $127, R0
	MOVW $exit_group, R7
	SWI  $0

parent:
	MOVW R0, R5

next:
	MOVW $rt_sigtimedwait, R7
	MOVW R6, R0
	ADD  $16, R6, R1
	MOVW $0, R2
	MOVW $8, R3
	SWI  $0
	CMP  $sigchld, R0
	BEQ  reap
	CMP  $1, R0
	BLT  next
	MOVW R0, R1
	MOVW R5, R0
	MOVW $kill, R7
	SWI  $0
	B    next

reap:
	MOVW $wait4, R7
	MOVW $-1, R0
	ADD  $160, R6, R1
	MOVW $1, R2
	MOVW $0, R3
	SWI  $0
	CMP  $1, R0
	BLT  next
	CMP  R5, R0
	BNE  reap
	MOVW 160(R6), R0
	AND  $0x7f, R0, R1
	CMP  $0, R1
	BNE  killed
	MOVW R0>>8, R0
	AND  $0xff, R0
	B    end

killed:
	ADD  $128, R1, R0

end:
	MOVW $exit_group, R7
	SWI  $0

// func stubAddress() unsafe.Pointer
TEXT ·stubAddress(SB), NOSPLIT, $0-4
	MOVW $stub<>(SB), R0
	MOVW R0, ret+0(FP)
	RET
