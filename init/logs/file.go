package logs

import (
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// files writes into the log directory. No file stays open: a thousand components would be a thousand descriptors,
// and an unmounted or full directory then needs no special care, the next write just tries again.
type files struct {
	dir string
	max int64 // bytes of one file before it is rotated
}

// write appends whole lines to NAME.log and rotates it when it has grown too large. One write(2) with O_APPEND:
// a death in the middle leaves whole lines or one cut line, never mixed ones.
func (f *files) write(name string, b []byte) error {
	path := filepath.Join(f.dir, name+".log")
	fd, err := unix.Open(path, unix.O_WRONLY|unix.O_APPEND|unix.O_CREAT|unix.O_CLOEXEC|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0o640)
	if err == unix.ENOENT {
		if err := os.MkdirAll(f.dir, 0o755); err != nil {
			return err
		}
		fd, err = unix.Open(path, unix.O_WRONLY|unix.O_APPEND|unix.O_CREAT|unix.O_CLOEXEC|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0o640)
	}
	if err != nil {
		return &os.PathError{Op: "open", Path: path, Err: err}
	}
	defer unix.Close(fd)
	n, err := unix.Write(fd, b)
	if err == nil && n < len(b) {
		err = unix.ENOSPC
	}
	if err != nil {
		return &os.PathError{Op: "write", Path: path, Err: err}
	}
	var st unix.Stat_t
	if unix.Fstat(fd, &st) == nil && st.Size > f.max {
		return os.Rename(path, path+".1")
	}
	return nil
}
