package runtime

import (
	"encoding/binary"
	"fmt"
	goruntime "runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The first process of a PID namespace has duties that few programs know: it
// reaps orphans, and a signal that it has no handler for does not reach it. So
// a container can have an init: it starts the program, passes every signal on,
// reaps, and ends as the program does, with 128 more than the signal where that
// was one. It is a program of a few hundred bytes, copied from our own code, and
// needs nothing of the container's root.
//
//	init [path, argument 0, argument 1, ...] ── fork, exec ──► path
//	  └── signal: kill(program)   SIGCHLD: wait for all   its end: exit

// stubSize covers the code of the init, and some bytes behind it.
const stubSize = 512

// stubAddress is where that code begins.
func stubAddress() unsafe.Pointer

// Stub makes the init, as a file in memory that can be executed. The
// descriptor is the caller's; one serves any number of starts.
func Stub() (fd int, err error) {
	const executable = 0x10 // MFD_EXEC, which kernels before 6.3 do not know
	fd, err = unix.MemfdCreate("init", unix.MFD_CLOEXEC|executable)
	if err == unix.EINVAL {
		fd, err = unix.MemfdCreate("init", unix.MFD_CLOEXEC)
	}
	if err != nil {
		return -1, fmt.Errorf("memfd_create: %w", err)
	}
	if _, err := unix.Write(fd, stubImage()); err != nil {
		unix.Close(fd)
		return -1, fmt.Errorf("write the init of containers: %w", err)
	}
	return fd, nil
}

// stubImage is an executable file of one segment, see elf(5).
func stubImage() []byte {
	code := unsafe.Slice((*byte)(stubAddress()), stubSize)
	const base = 0x400000
	machine := map[string]uint16{"amd64": 62, "arm64": 183, "arm": 40}[goruntime.GOARCH]
	le := binary.LittleEndian
	var out []byte
	word := func(v uint64) {
		if unsafe.Sizeof(uintptr(0)) == 8 {
			out = le.AppendUint64(out, v)
			return
		}
		out = le.AppendUint32(out, uint32(v))
	}
	half := func(list ...uint16) {
		for _, v := range list {
			out = le.AppendUint16(out, v)
		}
	}
	class, header, segment, flags := byte(2), 64, 56, uint32(0)
	if unsafe.Sizeof(uintptr(0)) == 4 {
		class, header, segment, flags = 1, 52, 32, 0x5000400 // EABI version 5, hard float
	}
	size := uint64(header + segment + stubSize)
	out = append(out, 0x7f, 'E', 'L', 'F', class, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0)
	half(2, machine)
	out = le.AppendUint32(out, 1)
	word(base + uint64(header+segment)) // entry
	word(uint64(header))
	word(0)
	out = le.AppendUint32(out, flags)
	half(uint16(header), uint16(segment), 1, 0, 0, 0)
	const load, readExecute = 1, 5
	out = le.AppendUint32(out, load)
	if class == 2 {
		out = le.AppendUint32(out, readExecute)
	}
	for _, v := range []uint64{0, base, base, size, size} { // offset, addresses, sizes
		word(v)
	}
	if class == 1 {
		out = le.AppendUint32(out, readExecute)
	}
	word(0x10000) // alignment
	return append(out, code...)
}

// execInit executes the init, which executes the program: what it could not
// tell is found out before.
func (l *list) execInit() {
	s, fd := l.spec, l.initFD()
	l.do("exec", s.Path, "faccessat", unix.SYS_FACCESSAT, unix.AT_FDCWD, s.Path, unix.X_OK)
	l.do("exec", "init", "fcntl", unix.SYS_FCNTL, fd, unix.F_SETFD, unix.FD_CLOEXEC)
	l.do("exec", "init", "execveat", unix.SYS_EXECVEAT, fd, "", append([]string{s.Path}, s.args()...), s.Env, unix.AT_EMPTY_PATH)
}
