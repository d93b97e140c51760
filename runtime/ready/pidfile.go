package ready

import (
	"bytes"
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// maxPID is the highest process id that the kernel gives (proc_sys_kernel(5), pid_max).
const maxPID = 1 << 22

// ParsePID reads what stands in a pid file: a number on its first line. alone says that nothing else stands there.
func ParsePID(b []byte) (pid int, alone bool, err error) {
	line, rest, _ := bytes.Cut(b, []byte{'\n'})
	pid, err = strconv.Atoi(string(bytes.TrimSpace(line)))
	if err != nil || pid <= 1 || pid > maxPID {
		return 0, false, fmt.Errorf("%.20q is not a process id", line)
	}
	return pid, len(bytes.TrimSpace(rest)) == 0, nil
}

// ReadPID reads a pid file. What is no regular file is not read: a fifo or a device may do anything.
func ReadPID(path string) (pid int, alone bool, err error) {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NONBLOCK|unix.O_NOCTTY, 0)
	if err != nil {
		return 0, false, &os.PathError{Op: "open", Path: path, Err: err}
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil || st.Mode&unix.S_IFMT != unix.S_IFREG {
		return 0, false, fmt.Errorf("%s: not a regular file", path)
	}
	var b [64]byte
	n, err := unix.Read(fd, b[:])
	if err != nil {
		return 0, false, &os.PathError{Op: "read", Path: path, Err: err}
	}
	pid, alone, err = ParsePID(b[:n])
	return pid, alone && n < len(b), err
}

// RemovePIDFile removes a file that holds a process id and nothing else; whatever else has that name is left alone.
func RemovePIDFile(path string) {
	var st unix.Stat_t
	if unix.Lstat(path, &st) != nil || st.Mode&unix.S_IFMT != unix.S_IFREG {
		return
	}
	if _, alone, err := ReadPID(path); err == nil && alone {
		unix.Unlink(path)
	}
}
