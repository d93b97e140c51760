#include "textflag.h"

// func prlimit(old *[2]uint64) int
TEXT ·prlimit(SB), NOSPLIT, $0-8
	MOVW $369, R7
	MOVW $0, R0
	MOVW $7, R1
	MOVW $0, R2
	MOVW old+0(FP), R3
	SWI  $0
	MOVW R0, ret+4(FP)
	RET
