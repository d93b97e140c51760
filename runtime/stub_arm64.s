#include "textflag.h"

// See stub_amd64.s.
//
// R19 where argc lies, R20 the program's pid, R21 scratch.

#define rt_sigprocmask  135
#define rt_sigtimedwait 137
#define clone           220
#define execve          221
#define wait4           260
#define kill            129
#define exit_group       94
#define sigchld          17

TEXT stub<>(SB), NOSPLIT|NOFRAME, $0
	MOVD RSP, R19
	SUB  $512, R19, R21
	MOVD $-1, R0
	MOVD R0, 0(R21)
	MOVD $rt_sigprocmask, R8
	MOVD $2, R0
	MOVD R21, R1
	MOVD $0, R2
	MOVD $8, R3
	SVC
	MOVD $clone, R8
	MOVD $sigchld, R0
	MOVD $0, R1
	MOVD $0, R2
	MOVD $0, R3
	MOVD $0, R4
	SVC
	CBNZ R0, parent
	MOVD ZR, 0(R21)
	MOVD $rt_sigprocmask, R8
	MOVD $2, R0
	MOVD R21, R1
	MOVD $0, R2
	MOVD $8, R3
	SVC
	MOVD 8(R19), R0
	ADD  $16, R19, R1
	MOVD 0(R19), R3
	LSL  $3, R3
	ADD  R3, R1, R2
	MOVD $execve, R8
	SVC
	MOVD $127, R0
	MOVD $exit_group, R8
	SVC

parent:
	MOVD R0, R20

next:
	MOVD $rt_sigtimedwait, R8
	MOVD R21, R0
	ADD  $16, R21, R1
	MOVD $0, R2
	MOVD $8, R3
	SVC
	CMP  $sigchld, R0
	BEQ  reap
	CMP  $1, R0
	BLT  next
	MOVD R0, R1
	MOVD R20, R0
	MOVD $kill, R8
	SVC
	B    next

reap:
	MOVD $wait4, R8
	MOVD $-1, R0
	ADD  $160, R21, R1
	MOVD $1, R2
	MOVD $0, R3
	SVC
	CMP  $1, R0
	BLT  next
	CMP  R20, R0
	BNE  reap
	MOVWU 160(R21), R0
	AND  $0x7f, R0, R1
	CBNZ R1, killed
	LSR  $8, R0
	AND  $0xff, R0
	B    end

killed:
	ADD  $128, R1, R0

end:
	MOVD $exit_group, R8
	SVC

// func stubAddress() unsafe.Pointer
TEXT ·stubAddress(SB), NOSPLIT, $0-8
	MOVD $stub<>(SB), R0
	MOVD R0, ret+0(FP)
	RET
