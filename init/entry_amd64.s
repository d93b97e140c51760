#include "textflag.h"

// See entry.go.
DATA orderlyNull<>+0(SB)/8, $"/dev/nul"
DATA orderlyNull<>+8(SB)/8, $"l\x00\x00\x00\x00\x00\x00\x00"
GLOBL orderlyNull<>(SB), RODATA, $16
DATA orderlyRoot<>+0(SB)/8, $"/\x00\x00\x00\x00\x00\x00\x00"
GLOBL orderlyRoot<>(SB), RODATA, $8

TEXT _orderly_start(SB), NOSPLIT|NOFRAME, $0
	MOVQ $0, R12

each:
	MOVQ R12, DI
	MOVQ $1, SI                  // F_GETFD
	MOVQ $72, AX                 // fcntl
	SYSCALL
	CMPQ AX, $0
	JGE  next
	MOVQ $orderlyNull<>(SB), DI
	MOVQ $2, SI                  // O_RDWR
	MOVQ $2, AX                  // open
	SYSCALL
	CMPQ AX, $0
	JGE  next
	MOVQ $orderlyRoot<>(SB), DI
	MOVQ $0, SI                  // O_RDONLY
	MOVQ $2, AX
	SYSCALL

next:
	INCQ R12
	CMPQ R12, $3
	JNE  each
	MOVQ $0, DI
	MOVQ $0, SI                  // F_DUPFD
	MOVQ $1023, DX
	MOVQ $72, AX                 // fcntl
	SYSCALL
	CMPQ AX, $0
	JLT  timers
	MOVQ AX, DI
	MOVQ $3, AX                  // close
	SYSCALL

timers:
	MOVQ $30, DI                 // PR_GET_TIMERSLACK
	MOVQ $157, AX                // prctl
	SYSCALL
	CMPQ AX, $0
	JLT  begin
	MOVQ AX, ·slack(SB)
	MOVQ $29, DI                 // PR_SET_TIMERSLACK
	MOVQ $1000000, SI            // ns
	MOVQ $157, AX
	SYSCALL

begin:
	JMP _rt0_amd64_linux(SB)
