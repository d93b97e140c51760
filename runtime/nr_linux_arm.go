package runtime

import "golang.org/x/sys/unix"

// The calls without 32 in their name take 16-bit ids on arm, see setresuid(2).
const (
	sysSetresuid = unix.SYS_SETRESUID32
	sysSetresgid = unix.SYS_SETRESGID32
	sysSetgroups = unix.SYS_SETGROUPS32
)
