package cgroups

import (
	"os"
	"path/filepath"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Watch tells when groups become empty, and when their limits are reached: one inotify descriptor for all (inotify(7); the kernel
// notifies cgroup.events when "populated" changes, memory.events and pids.events when a count does).
type Watch struct {
	FD    int   // to poll; -1 where the kernel has no more of them
	why   error // why it has none
	tree  *Tree
	place map[int32]string // file below the tree, by watch
	wd    map[string]int32
}

// The files that are watched.
const (
	emptyFile  = "cgroup.events"
	memoryFile = "memory.events"
	pidsFile   = "pids.events"
)

// NewWatch makes a watch over the groups of a tree. Where inotify is used up (fs.inotify.max_user_instances) it says so, and the watch is
// one that can watch nothing.
func NewWatch(t *Tree) (*Watch, error) {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	err = os.NewSyscallError("inotify_init1", err)
	if err != nil {
		fd = -1
	}
	return &Watch{FD: fd, why: err, tree: t, place: map[int32]string{}, wd: map[string]int32{}}, err
}

// Close ends the watch.
func (w *Watch) Close() error { return unix.Close(w.FD) }

// Add watches whether a group becomes empty. The caller asks Populated after it: what happened before is not told.
func (w *Watch) Add(name string) error { return w.add(name, emptyFile) }

// AddLimits watches whether limits are reached. The caller asks Kills after it. What has no controller is not watched.
func (w *Watch) AddLimits(name string) error {
	for _, file := range []string{memoryFile, pidsFile} {
		if err := w.add(name, file); err != nil && !missing(err) {
			return err
		}
	}
	return nil
}

func (w *Watch) add(name, file string) error {
	if w.why != nil {
		return w.why
	}
	place := filepath.Join(name, file)
	wd, err := unix.InotifyAddWatch(w.FD, filepath.Join(w.tree.Path, place), unix.IN_MODIFY)
	if err != nil {
		return w.tree.failed("watch", place, err)
	}
	w.place[int32(wd)], w.wd[place] = place, int32(wd)
	return nil
}

// Remove forgets a group that has become empty.
func (w *Watch) Remove(name string) { w.remove(name, emptyFile) }

// RemoveLimits forgets the limits of a group.
func (w *Watch) RemoveLimits(name string) {
	w.remove(name, memoryFile)
	w.remove(name, pidsFile)
}

func (w *Watch) remove(name, file string) {
	place := filepath.Join(name, file)
	if wd, ok := w.wd[place]; ok {
		unix.InotifyRmWatch(w.FD, uint32(wd))
		delete(w.wd, place)
		delete(w.place, wd)
	}
}

// Changed returns the groups whose events have come since the last call: those that are to be asked Populated, and those whose
// limits may have been reached.
func (w *Watch) Changed() (groups, limits []string) {
	var buf [4096]byte
	for {
		n, err := unix.Read(w.FD, buf[:])
		if err == unix.EINTR {
			continue
		}
		if err != nil || n < unix.SizeofInotifyEvent {
			return groups, limits
		}
		for at := 0; at+unix.SizeofInotifyEvent <= n; {
			ev := (*unix.InotifyEvent)(unsafe.Pointer(&buf[at]))
			at += unix.SizeofInotifyEvent + int(ev.Len)
			place, ok := w.place[ev.Wd]
			if !ok {
				continue
			}
			name, file := filepath.Split(place)
			if file == emptyFile {
				groups = append(groups, strings.TrimSuffix(name, "/"))
			} else {
				limits = append(limits, strings.TrimSuffix(name, "/"))
			}
			if ev.Mask&unix.IN_IGNORED != 0 { // the group is gone
				delete(w.place, ev.Wd)
				if w.wd[place] == ev.Wd { // else it was made anew, and is watched again
					delete(w.wd, place)
				}
			}
		}
	}
}
