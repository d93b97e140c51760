#include "textflag.h"

// See entry.go.
DATA orderlyNull<>+0(SB)/8, $"/dev/nul"
DATA orderlyNull<>+8(SB)/8, $"l\x00\x00\x00\x00\x00\x00\x00"
GLOBL orderlyNull<>(SB), RODATA, $16
DATA orderlyRoot<>+0(SB)/8, $"/\x00\x00\x00\x00\x00\x00\x00"
GLOBL orderlyRoot<>(SB), RODATA, $8

TEXT _orderly_start(SB), NOSPLIT|NOFRAME, $0
	MOVD $0, R19

each:
	MOVD R19, R0
	MOVD $1, R1                  // F_GETFD
	MOVD $25, R8                 // fcntl
	SVC
	TBZ  $63, R0, next
	MOVD $-100, R0               // AT_FDCWD
	MOVD $orderlyNull<>(SB), R1
	MOVD $2, R2                  // O_RDWR
	MOVD $56, R8                 // openat
	SVC
	TBZ  $63, R0, next
	MOVD $-100, R0
	MOVD $orderlyRoot<>(SB), R1
	MOVD $0, R2                  // O_RDONLY
	SVC

next:
	ADD $1, R19
	CMP $3, R19
	BNE each
	MOVD $0, R0
	MOVD $0, R1                  // F_DUPFD
	MOVD $1023, R2
	MOVD $25, R8                 // fcntl
	SVC
	TBNZ $63, R0, timers
	MOVD $57, R8                 // close
	SVC

timers:
	MOVD $30, R0                 // PR_GET_TIMERSLACK
	MOVD $167, R8                // prctl
	SVC
	TBNZ $63, R0, begin
	MOVD R0, ·slack(SB)
	MOVD $29, R0                 // PR_SET_TIMERSLACK
	MOVD $1000000, R1            // ns
	SVC

begin:
	B _rt0_arm64_linux(SB)
