#include "go_asm.h"
#include "textflag.h"

// See run_amd64.s.
//
// R19 head, R20 op, R21 Slot, R22 eventfd, R23 the kept result, R24 flags.
// System call: R8 number, R0 to R5 arguments, R0 the result.

#define rt_sigprocmask 135
#define write          64
#define exit_group     94

DATA one<>+0(SB)/8, $1
GLOBL one<>(SB), RODATA, $8

// func run(h *head, s *Slot, wake uintptr) int
TEXT ·run(SB), NOSPLIT, $0-32
	MOVD h+0(FP), R19
	MOVD s+8(FP), R21
	MOVD wake+16(FP), R22
	MOVD $rt_sigprocmask, R8
	MOVD $2, R0
	ADD  $head_full, R19, R1
	ADD  $head_old, R19, R2
	MOVD $8, R3
	SVC
	ADD  $head__size, R19, R20
	MOVD op_nr(R20), R8
	MOVD (op_a+0)(R20), R0
	MOVD (op_a+8)(R20), R1
	MOVD (op_a+16)(R20), R2
	MOVD (op_a+24)(R20), R3
	MOVD (op_a+32)(R20), R4
	SVC
	CBZ  R0, next
	MOVD R0, ret+24(FP)
	MOVD $rt_sigprocmask, R8
	MOVD $2, R0
	ADD  $head_old, R19, R1
	MOVD $0, R2
	MOVD $8, R3
	SVC
	RET

next:
	ADD  $op__size, R20
	MOVD op_nr(R20), R8
	MOVD (op_a+0)(R20), R0
	MOVD (op_a+8)(R20), R1
	MOVD (op_a+16)(R20), R2
	MOVD (op_a+24)(R20), R3
	MOVD (op_a+32)(R20), R4
	MOVD (op_a+40)(R20), R5
	MOVD op_flags(R20), R24
	TST  $const_flagUse, R24
	BEQ  call
	MOVD R23, R0

call:
	SVC
	CMN  $4095, R0
	BCS  failed
	TST  $const_flagFork, R24
	BNE  forked
	TST  $const_flagSave, R24
	BEQ  next
	MOVD R0, R23
	B    next

failed:
	TST  $const_flagTry, R24
	BNE  next
	NEG  R0, R0
	LSR  $const_fineShift, R24, R1
	AND  $const_fineMask, R1
	CMP  R1, R0
	BEQ  fine
	LSR  $const_stepShift, R24, R1
	TST  $const_flagSoft, R24
	BNE  missed
	MOVW R1, Slot_Step(R21)
	DMB  $11 // inner shareable: Step is there before Errno
	MOVW R0, Slot_Errno(R21)
	TST  $const_flagOuter, R24
	BNE  done
	MOVD $127, R0
	B    exit

fine:
	TST  $const_flagOmit, R24
	BEQ  next
	B    omit

missed:
	ADD  R1<<1, R21, R1
	MOVH R0, Slot_missed(R1)

omit:
	MOVD op_skip(R20), R1
	ADD  R1, R20
	B    next

forked:
	CBZ  R0, next

done: // From busy = 0 on the memory of the program may be gone.
	DMB  $11
	MOVW ZR, head_busy(R19)
	DMB  $11
	MOVD $1, R1
	MOVW R1, Slot_Done(R21)
	MOVD $write, R8
	MOVD R22, R0
	MOVD $one<>(SB), R1
	MOVD $8, R2
	SVC
	MOVD $0, R0

exit:
	MOVD $exit_group, R8
	SVC
	B    exit
