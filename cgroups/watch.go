package cgroups

import (
	"os"
	"path/filepath"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Watch tells when groups become empty: one inotify descriptor for all (inotify(7); the kernel notifies
// cgroup.events when "populated" changes).
type Watch struct {
	FD   int // to poll
	tree *Tree
	name map[int32]string
	wd   map[string]int32
}

// NewWatch makes a watch over the groups of a tree.
func NewWatch(t *Tree) (*Watch, error) {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return nil, os.NewSyscallError("inotify_init1", err)
	}
	return &Watch{FD: fd, tree: t, name: map[int32]string{}, wd: map[string]int32{}}, nil
}

// Close ends the watch.
func (w *Watch) Close() error { return unix.Close(w.FD) }

// Add watches a group. The caller asks Populated after it: what happened before is not told.
func (w *Watch) Add(name string) error {
	wd, err := unix.InotifyAddWatch(w.FD, filepath.Join(w.tree.Path, name, "cgroup.events"), unix.IN_MODIFY)
	if err != nil {
		return w.tree.failed("watch", name, err)
	}
	w.name[int32(wd)], w.wd[name] = name, int32(wd)
	return nil
}

// Remove forgets a group.
func (w *Watch) Remove(name string) {
	if wd, ok := w.wd[name]; ok {
		unix.InotifyRmWatch(w.FD, uint32(wd))
		delete(w.wd, name)
		delete(w.name, wd)
	}
}

// Changed returns the groups whose events have come since the last call; each is to be asked Populated.
func (w *Watch) Changed() []string {
	var buf [4096]byte
	var names []string
	for {
		n, err := unix.Read(w.FD, buf[:])
		if err == unix.EINTR {
			continue
		}
		if err != nil || n < unix.SizeofInotifyEvent {
			return names
		}
		for at := 0; at+unix.SizeofInotifyEvent <= n; {
			ev := (*unix.InotifyEvent)(unsafe.Pointer(&buf[at]))
			if name, ok := w.name[ev.Wd]; ok {
				names = append(names, name)
			}
			at += unix.SizeofInotifyEvent + int(ev.Len)
		}
	}
}
