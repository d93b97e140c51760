package poll

import "golang.org/x/sys/unix"

// Tee copies at most n bytes from one pipe to another without taking them, and without waiting (tee(2)). It returns how many; 0 where the
// pipe has no writer. The function of x/sys takes a register for half of the result that 32-bit kernels leave as it was.
func Tee(from, to, n int) (int, error) {
	r, _, errno := unix.Syscall6(unix.SYS_TEE, uintptr(from), uintptr(to), uintptr(n), unix.SPLICE_F_NONBLOCK, 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(r), nil
}

// Peek copies what is in a pipe and leaves it there, through a pipe of the caller's own that is otherwise empty. It returns how much, 0
// where the pipe has no writer, and in how many reads: a read(2) of a pipe of packets ends at each of them (pipe(2), O_DIRECT).
func Peek(from int, scratch [2]int, b []byte) (n, reads int, err error) {
	got, err := Tee(from, scratch[1], len(b))
	if err != nil {
		return 0, 0, err
	}
	reads, err = Take(scratch[0], b[:got])
	return got, reads, err
}

// Take takes so much out of a pipe, which must be there. It returns in how many reads.
func Take(fd int, b []byte) (reads int, err error) {
	for len(b) > 0 {
		n, err := unix.Read(fd, b)
		switch {
		case err == unix.EINTR:
			continue
		case err != nil:
			return reads, err
		case n == 0:
			return reads, unix.EPIPE
		}
		b = b[n:]
		reads++
	}
	return reads, nil
}

// Waiting is how many bytes are in a pipe (FIONREAD, by its other name).
func Waiting(fd int) int {
	n, err := unix.IoctlGetInt(fd, unix.TIOCINQ)
	if err != nil {
		return 0
	}
	return n
}

// Crowded says whether a pipe is half full at least: its writer may wait. It is full at half its bytes where no two writes fit into one
// page.
func Crowded(fd int) bool {
	room, err := unix.FcntlInt(uintptr(fd), unix.F_GETPIPE_SZ, 0)
	return err == nil && Waiting(fd) >= room/2
}
