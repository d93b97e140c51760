#include "go_asm.h"
#include "textflag.h"

// See run_amd64.s.
//
// R6 head, R8 op, R9 Slot, R12 eventfd, g (R10) the kept result (in the child
// only).
// System call: R7 number, R0 to R5 arguments, R0 the result.

#define rt_sigprocmask 175
#define write          4
#define exit_group     248

DATA one<>+0(SB)/4, $1
DATA one<>+4(SB)/4, $0
GLOBL one<>(SB), RODATA, $8

// func run(h *head, s *Slot, wake uintptr) int
TEXT ·run(SB), NOSPLIT, $0-16
	MOVW h+0(FP), R6
	MOVW s+4(FP), R9
	MOVW wake+8(FP), R12
	MOVW $rt_sigprocmask, R7
	MOVW $2, R0
	ADD  $head_full, R6, R1
	ADD  $head_old, R6, R2
	MOVW $8, R3
	SWI  $0
	ADD  $head__size, R6, R8
	MOVW op_nr(R8), R7
	MOVW (op_a+0)(R8), R0
	MOVW (op_a+4)(R8), R1
	MOVW (op_a+8)(R8), R2
	MOVW (op_a+12)(R8), R3
	MOVW (op_a+16)(R8), R4
	SWI  $0
	CMP  $0, R0
	BEQ  next
	MOVW R0, ret+12(FP)
	MOVW $rt_sigprocmask, R7
	MOVW $2, R0
	ADD  $head_old, R6, R1
	MOVW $0, R2
	MOVW $8, R3
	SWI  $0
	RET

next:
	ADD  $op__size, R8
	MOVW op_nr(R8), R7
	MOVW op_flags(R8), R1
	TST  $const_flagUse, R1
	MOVW (op_a+0)(R8), R0
	MOVW.NE g, R0
	MOVW (op_a+4)(R8), R1
	MOVW (op_a+8)(R8), R2
	MOVW (op_a+12)(R8), R3
	MOVW (op_a+16)(R8), R4
	MOVW (op_a+20)(R8), R5
	SWI  $0
	MOVW op_flags(R8), R1
	MOVW $0xfffff001, R2
	CMP  R2, R0
	BCS  failed // unsigned: -4095 to -1
	TST  $const_flagFork, R1
	BNE  forked
	TST  $const_flagSave, R1
	BEQ  next
	MOVW R0, g
	B    next

failed:
	TST  $const_flagTry, R1
	BNE  next
	RSB  $0, R0
	MOVW R1>>const_fineShift, R2
	AND  $const_fineMask, R2
	CMP  R2, R0
	BEQ  fine
	MOVW R1>>const_stepShift, R2
	TST  $const_flagSoft, R1
	BNE  missed
	MOVW R2, Slot_Step(R9)
	DMB  MB_ISH // Step is there before Errno
	MOVW R0, Slot_Errno(R9)
	TST  $const_flagOuter, R1
	BNE  done
	MOVW $127, R0
	B    exit

fine:
	TST  $const_flagOmit, R1
	BEQ  next
	B    omit

missed:
	ADD  R2<<1, R9, R2
	MOVH R0, Slot_missed(R2)

omit:
	MOVW op_skip(R8), R2
	ADD  R2, R8
	B    next

forked:
	CMP  $0, R0
	BEQ  next

done: // From busy = 0 on the memory of the program may be gone.
	DMB  MB_ISH
	MOVW $0, R1
	MOVW R1, head_busy(R6)
	DMB  MB_ISH
	MOVW $1, R1
	MOVW R1, Slot_Done(R9)
	MOVW $write, R7
	MOVW R12, R0
	MOVW $one<>(SB), R1
	MOVW $8, R2
	SWI  $0
	MOVW $0, R0

exit:
	MOVW $exit_group, R7
	SWI  $0
	B    exit
