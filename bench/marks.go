package main

import (
	"encoding/binary"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// marks is the fifo into which every program writes when it ran its first instruction. It is read with plain system
// calls: the poller of Go would be woken by each of a thousand writes, on the processors that are measured.
type marks struct {
	path string
	fd   int
}

const markSize = 16

// markPatience is how long a mark may take.
const markPatience = 30 * time.Second

func openMarks(path string) (*marks, error) {
	if err := unix.Mkfifo(path, 0o600); err != nil {
		return nil, fmt.Errorf("mkfifo %s: %w", path, err)
	}
	// for writing too: else every last writer that ends would be an end of file
	fd, err := unix.Open(path, unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	return &marks{path, fd}, nil
}

// take waits for n marks and returns the first and the last time in nanoseconds.
func (m *marks) take(n int) (first, last int64, err error) {
	buf := make([]byte, 4096*markSize)
	for seen := 0; seen < n; {
		got, err := m.read(buf)
		if err != nil {
			return 0, 0, fmt.Errorf("mark %d of %d: %w", seen+1, n, err)
		}
		for b := buf[:got]; len(b) >= markSize; b = b[markSize:] {
			at := int64(binary.NativeEndian.Uint64(b))*1e9 + int64(binary.NativeEndian.Uint64(b[8:]))
			if seen == 0 || at < first {
				first = at
			}
			last = max(last, at)
			seen++
		}
	}
	return first, last, nil
}

// read reads what is there, whole marks: what is written at once into a fifo stays together (pipe(7), PIPE_BUF).
func (m *marks) read(buf []byte) (int, error) {
	for {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(m.fd), Events: unix.POLLIN}}, int(markPatience/time.Millisecond))
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return 0, err
		}
		if n == 0 {
			return 0, fmt.Errorf("none within %v", markPatience)
		}
		return unix.Read(m.fd, buf)
	}
}

// drain throws away what is there.
func (m *marks) drain() error {
	buf := make([]byte, 4096*markSize)
	for {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(m.fd), Events: unix.POLLIN}}, 0)
		if err == nil && n == 0 {
			return nil
		}
		if err == nil {
			_, err = unix.Read(m.fd, buf)
		}
		if err != nil && err != unix.EINTR {
			return err
		}
	}
}
