package boot

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/targets"
)

// await waits until a device is there. A driver finds its devices after its module has been loaded, and the kernel
// then makes the node: inotify(7) tells of it.
func await(ctx context.Context, path string, limit time.Duration) error {
	if exists(path) {
		return nil
	}
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return os.NewSyscallError("inotify_init1", err)
	}
	defer unix.Close(fd)
	for end := time.Now().Add(limit); ; {
		watchAbove(fd, path)
		if exists(path) {
			return nil
		}
		left := time.Until(end)
		if left <= 0 {
			return fmt.Errorf("%s: did not appear within %v", path, limit)
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		poll := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		unix.Poll(poll, int(min(left, time.Second)/time.Millisecond)+1)
		unix.Read(fd, make([]byte, 4096))
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// watchAbove has inotify tell of what is made in each directory above a path; those that are missing come later.
func watchAbove(fd int, path string) {
	for dir := filepath.Dir(path); ; dir = filepath.Dir(dir) {
		unix.InotifyAddWatch(fd, dir, unix.IN_CREATE|unix.IN_MOVED_TO|unix.IN_ATTRIB)
		if dir == "/" || dir == "/dev" || dir == "." {
			return
		}
	}
}

// The exit codes of fsck(8), which are bits.
const (
	fsckCorrected = 1
	fsckReboot    = 2
)

// check runs the checker of a file system. Without one the file system is mounted unchecked; with errors that it
// does not correct by itself, or where it does not end in time, it is not mounted.
func (u *up) check(m targets.Mount) error {
	names := []string{"fsck." + m.Type}
	if strings.HasPrefix(m.Type, "ext") {
		names = append(names, "e2fsck")
	}
	program, err := find(names...)
	if err != nil {
		u.note(targets.Warning, fmt.Sprintf("fsck %s: %v; mounted unchecked", m.Source, err))
		return nil
	}
	exit, err := u.run(fsckLimit, []string{program, "-p", m.Source})
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("%s %s: not done within %v: killed; not mounted", program, m.Source, fsckLimit)
	}
	if err != nil {
		return fmt.Errorf("%s %s: %w", program, m.Source, err)
	}
	return u.judge(program, m.Source, exit)
}

func (u *up) judge(program, source string, exit int) error {
	switch {
	case exit == 0:
	case exit&^(fsckCorrected|fsckReboot) != 0:
		return fmt.Errorf("%s %s: exit %d: errors are left; not mounted", program, source, exit)
	case exit&fsckReboot != 0:
		u.note(targets.Warning, fmt.Sprintf("%s %s: errors corrected; the machine should be started again", program, source))
	default:
		u.Say(targets.Info, fmt.Sprintf("%s %s: errors corrected", program, source))
	}
	return nil
}

// errReadOnly reports whether an error says that nothing can be written here, which many images want.
func errReadOnly(err error) bool { return errors.Is(err, unix.EROFS) }
