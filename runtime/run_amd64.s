#include "go_asm.h"
#include "textflag.h"

// The interpreter. After the clone nothing here touches the stack, which the
// child shares with the caller, and all signals are blocked.
//
// R15 head, R12 op, R13 Slot, BX eventfd, R14 the kept result.
// System call: AX number, DI SI DX R10 R8 R9 arguments; AX, CX, R11 are lost.

#define rt_sigprocmask 14
#define write          1
#define exit_group     231

DATA one<>+0(SB)/8, $1
GLOBL one<>(SB), RODATA, $8

// func run(h *head, s *Slot, wake uintptr) int
TEXT ·run(SB), NOSPLIT, $0-32
	MOVQ h+0(FP), R15
	MOVQ s+8(FP), R13
	MOVQ wake+16(FP), BX
	MOVQ $rt_sigprocmask, AX
	MOVQ $2, DI
	LEAQ head_full(R15), SI
	LEAQ head_old(R15), DX
	MOVQ $8, R10
	SYSCALL
	LEAQ head__size(R15), R12
	MOVQ op_nr(R12), AX
	MOVQ (op_a+0)(R12), DI
	MOVQ (op_a+8)(R12), SI
	MOVQ (op_a+16)(R12), DX
	MOVQ (op_a+24)(R12), R10
	MOVQ (op_a+32)(R12), R8
	SYSCALL
	TESTQ AX, AX
	JEQ next
	MOVQ AX, ret+24(FP)
	MOVQ $rt_sigprocmask, AX
	MOVQ $2, DI
	LEAQ head_old(R15), SI
	XORQ DX, DX
	MOVQ $8, R10
	SYSCALL
	RET

next:
	ADDQ $op__size, R12
	MOVQ op_nr(R12), AX
	MOVQ (op_a+0)(R12), DI
	MOVQ (op_a+8)(R12), SI
	MOVQ (op_a+16)(R12), DX
	MOVQ (op_a+24)(R12), R10
	MOVQ (op_a+32)(R12), R8
	MOVQ (op_a+40)(R12), R9
	MOVQ op_flags(R12), CX
	TESTQ $const_flagUse, CX
	JEQ call
	MOVQ R14, DI

call:
	SYSCALL
	MOVQ op_flags(R12), CX
	CMPQ AX, $-4095
	JCC failed
	TESTQ $const_flagFork, CX
	JNE forked
	TESTQ $const_flagSave, CX
	JEQ next
	MOVQ AX, R14
	JMP next

failed:
	TESTQ $const_flagTry, CX
	JNE next
	NEGQ AX
	MOVQ CX, DX
	SHRQ $const_fineShift, DX
	ANDQ $const_fineMask, DX
	CMPQ AX, DX
	JEQ fine
	MOVQ CX, DX
	SHRQ $const_stepShift, DX
	TESTQ $const_flagSoft, CX
	JNE missed
	MOVL DX, Slot_Step(R13)
	MOVL AX, Slot_Errno(R13)
	TESTQ $const_flagOuter, CX
	JNE done
	MOVQ $127, DI
	JMP exit

fine:
	TESTQ $const_flagOmit, CX
	JNE omit
	JMP next

missed:
	MOVW AX, Slot_missed(R13)(DX*2)

omit:
	ADDQ op_skip(R12), R12
	JMP next

forked:
	TESTQ AX, AX
	JEQ next

done: // From busy = 0 on the memory of the program may be gone.
	MOVL $0, head_busy(R15)
	MOVL $1, Slot_Done(R13)
	MOVQ $write, AX
	MOVQ BX, DI
	LEAQ one<>(SB), SI
	MOVQ $8, DX
	SYSCALL
	XORQ DI, DI

exit:
	MOVQ $exit_group, AX
	SYSCALL
	INT $3
