package container

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/runtime"
)

// root is a root that is looked into from outside.
type root struct {
	fd   int
	path string
}

func openRoot(path string) (*root, error) {
	fd, err := unix.Open(path, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	return &root{fd, path}, nil
}

func (r *root) close() { unix.Close(r.fd) }

// open opens a path as it is inside: links lead nowhere else, and what /proc could conjure up is refused.
func (r *root) open(name string, flags int) (int, error) {
	how := unix.OpenHow{Flags: uint64(flags | unix.O_CLOEXEC), Resolve: unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS}
	for range 8 { // EAGAIN: something was renamed meanwhile (openat2(2))
		fd, err := unix.Openat2(r.fd, name, &how)
		if err == unix.EAGAIN || err == unix.EINTR {
			continue
		}
		if err != nil {
			return -1, &fs.PathError{Op: "open", Path: name, Err: err}
		}
		return fd, nil
	}
	return -1, &fs.PathError{Op: "open", Path: name, Err: unix.EAGAIN}
}

// stat is what a path is inside.
func (r *root) stat(name string) (unix.Stat_t, error) {
	var st unix.Stat_t
	fd, err := r.open(name, unix.O_PATH)
	if err != nil {
		return st, err
	}
	defer unix.Close(fd)
	return st, unix.Fstat(fd, &st)
}

// maxAccounts bounds the files of accounts, which are the root's and may be anything.
const maxAccounts = 1 << 20

// text is a small regular file; one that is not there is empty.
func (r *root) text(name string) (string, error) {
	fd, err := r.open(name, unix.O_PATH)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil || st.Mode&unix.S_IFMT != unix.S_IFREG || st.Size > maxAccounts {
		return "", fmt.Errorf("%s: not a regular file of at most 1 MiB", name)
	}
	f, err := os.Open("/proc/self/fd/" + strconv.Itoa(fd)) // only now: to open a device may do something, a watchdog begins to count
	if err != nil {
		return "", fmt.Errorf("%s: %w", name, err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxAccounts))
	return string(b), err
}

// account looks a user up in the root's own files.
func (r *root) account(a runtime.Account) (runtime.Credential, error) {
	users, err := r.text("/etc/passwd")
	if err != nil {
		return runtime.Credential{}, err
	}
	groups, err := r.text("/etc/group")
	if err != nil {
		return runtime.Credential{}, err
	}
	return runtime.LookupIn(a, users, groups)
}

// program finds a command as the container will: by its path, or in the directories of PATH. A path is taken as it is.
func program(name, dirs string, stat func(string) (unix.Stat_t, error)) (string, error) {
	if strings.Contains(name, "/") {
		return name, nil
	}
	reason := unix.ENOENT
	for dir := range strings.SplitSeq(dirs, ":") {
		if !path.IsAbs(dir) {
			continue
		}
		at := path.Join(dir, name)
		st, err := stat(at)
		switch {
		case err != nil:
		case st.Mode&unix.S_IFMT == unix.S_IFREG && st.Mode&0o111 != 0:
			return at, nil
		default:
			reason = unix.EACCES
		}
	}
	return "", reason
}
