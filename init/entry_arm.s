#include "textflag.h"

// See entry.go.
DATA orderlyNull<>+0(SB)/8, $"/dev/nul"
DATA orderlyNull<>+8(SB)/8, $"l\x00\x00\x00\x00\x00\x00\x00"
GLOBL orderlyNull<>(SB), RODATA, $16
DATA orderlyRoot<>+0(SB)/8, $"/\x00\x00\x00\x00\x00\x00\x00"
GLOBL orderlyRoot<>(SB), RODATA, $8

TEXT _orderly_start(SB), NOSPLIT|NOFRAME, $0
	MOVW $0, R4

each:
	MOVW R4, R0
	MOVW $1, R1                  // F_GETFD
	MOVW $55, R7                 // fcntl
	SWI  $0
	CMP  $0, R0
	BGE  next
	MOVW $orderlyNull<>(SB), R0
	MOVW $2, R1                  // O_RDWR
	MOVW $5, R7                  // open
	SWI  $0
	CMP  $0, R0
	BGE  next
	MOVW $orderlyRoot<>(SB), R0
	MOVW $0, R1                  // O_RDONLY
	SWI  $0

next:
	ADD $1, R4
	CMP $3, R4
	BNE each
	MOVW $0, R0
	MOVW $0, R1                  // F_DUPFD
	MOVW $1023, R2
	MOVW $55, R7                 // fcntl
	SWI  $0
	CMP  $0, R0
	BLT  timers
	MOVW $6, R7                  // close
	SWI  $0

timers:
	MOVW $30, R0                 // PR_GET_TIMERSLACK
	MOVW $172, R7                // prctl
	SWI  $0
	CMP  $0, R0
	BLT  begin
	MOVW R0, ·slack(SB)
	MOVW $29, R0                 // PR_SET_TIMERSLACK
	MOVW $1000000, R1            // ns
	SWI  $0

begin:
	B _rt0_arm_linux(SB)
