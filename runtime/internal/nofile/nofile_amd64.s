#include "textflag.h"

// func prlimit(old *[2]uint64) int
TEXT ·prlimit(SB), NOSPLIT, $0-16
	MOVQ $302, AX
	XORQ DI, DI
	MOVQ $7, SI
	XORQ DX, DX
	MOVQ old+0(FP), R10
	SYSCALL
	MOVQ AX, ret+8(FP)
	RET
