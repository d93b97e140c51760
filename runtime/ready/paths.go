package ready

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Paths tells when paths may have appeared or gone: one inotify descriptor for all (inotify(7)).
type Paths struct {
	FD      int   // to poll; then call Changed; -1 where the kernel has no more of them
	why     error // why it has none
	waiting map[*Path][]int32
	byWatch map[int32][]*Path
}

// Path is one path being waited for.
type Path struct {
	Name   string
	Absent bool        // waits for it to be gone
	Stale  Mark        // what was there before the start does not count
	Self   bool        // it is there, and its end is waited for: what else happens beside it does not matter
	Inside bool        // what stands in it matters too, while it is being written
	Root   string      // Name is looked up in this root, see MarkIn; then it is not for Add
	Test   func() bool // instead of the look at Name; nil is none
	Holds  func()
}

// Mark tells one file from a later one of the same name.
type Mark struct{ Dev, Ino, Sec, Nsec uint64 }

// File is what tells two files apart whatever has been done to them.
func (m Mark) File() Mark { return Mark{Dev: m.Dev, Ino: m.Ino} }

// MarkOf looks at a path; the zero Mark is "nothing there".
func MarkOf(path string) Mark { return MarkIn("", path) }

// MarkIn is MarkOf in another root, which may belong to somebody else: links in it lead nowhere outside, as for who has it as
// its root (openat2(2)). "" is our own.
func MarkIn(root, path string) Mark {
	var st unix.Stat_t
	if statIn(root, path, &st) != nil {
		return Mark{}
	}
	return markOf(&st)
}

// MarkOfFile is MarkOf of what is open.
func MarkOfFile(fd int) (Mark, error) {
	var st unix.Stat_t
	err := unix.Fstat(fd, &st)
	return markOf(&st), err
}

func markOf(st *unix.Stat_t) Mark {
	return Mark{uint64(st.Dev), uint64(st.Ino), uint64(st.Ctim.Sec), uint64(st.Ctim.Nsec)}
}

func statIn(root, path string, st *unix.Stat_t) error {
	if root == "" {
		return unix.Stat(path, st)
	}
	fd, err := openIn(root, path)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return unix.Fstat(fd, st)
}

// openIn opens a path of another root to look at it only. Where something is renamed meanwhile the kernel wants it tried again.
func openIn(root, path string) (fd int, err error) {
	at, err := unix.Open(root, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	defer unix.Close(at)
	how := unix.OpenHow{Flags: unix.O_PATH | unix.O_CLOEXEC, Resolve: unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS}
	for range 8 {
		if fd, err = unix.Openat2(at, path, &how); err != unix.EAGAIN {
			break
		}
	}
	return fd, err
}

// NewPaths makes the inotify descriptor. Where inotify is used up (fs.inotify.max_user_instances) it says so, and Add then waits for
// nothing.
func NewPaths() (*Paths, error) {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	err = os.NewSyscallError("inotify_init1", err)
	if err != nil {
		fd = -1
	}
	return &Paths{FD: fd, why: err, waiting: map[*Path][]int32{}, byWatch: map[int32][]*Path{}}, err
}

// Close ends every wait.
func (p *Paths) Close() error { return unix.Close(p.FD) }

// Add waits for a path; Holds is called from here when it is so already, else from Changed, once.
func (p *Paths) Add(w *Path) error {
	if w.holds() {
		w.Holds()
		return nil
	}
	return p.arm(w)
}

// Remove forgets a path.
func (p *Paths) Remove(w *Path) { p.disarm(w) }

// Now says whether it is so now; from any goroutine, where Test is nil.
func (w *Path) Now() bool { return w.holds() }

func (w *Path) holds() bool {
	if w.Test != nil {
		return w.Test()
	}
	now := MarkIn(w.Root, w.Name)
	if w.Absent {
		return now == Mark{}
	}
	return now != Mark{} && now != w.Stale
}

const events = unix.IN_CREATE | unix.IN_MOVED_TO | unix.IN_DELETE | unix.IN_MOVED_FROM | unix.IN_DELETE_SELF |
	unix.IN_MOVE_SELF | unix.IN_ATTRIB | unix.IN_CLOSE_WRITE

// ends are what a directory tells of a name in it that goes; the file itself is told before its name is gone (vfs_unlink in fs/namei.c).
const ends = unix.IN_DELETE | unix.IN_MOVED_FROM | unix.IN_MOVED_TO | unix.IN_ONLYDIR | unix.IN_MASK_ADD

// moves are what takes a directory, or a symbolic link, off the way to a path.
const moves = unix.IN_MOVE_SELF | unix.IN_DELETE_SELF | unix.IN_ATTRIB | unix.IN_DONT_FOLLOW | unix.IN_MASK_ADD

// arm watches the nearest directory above the path that exists, then looks again: a parent that appeared between
// finding and watching is found by another round. Before that, from the top, it watches the way there: the directory
// hears nothing of another that takes the place of one above it.
func (p *Paths) arm(w *Path) error {
	for p.why == nil {
		dir := nearest(filepath.Dir(w.Name))
		mask := uint32(events | unix.IN_ONLYDIR | unix.IN_MASK_ADD) // others may watch the same directory
		if w.Inside {
			mask |= unix.IN_MODIFY
		}
		if w.Self {
			mask = ends
		} else {
			p.watchWay(w, dir)
		}
		err := p.watch(w, dir, mask)
		if err == unix.ENOENT || err == unix.ENOTDIR {
			p.disarm(w)
			continue
		}
		if err != nil {
			p.disarm(w)
			return &os.PathError{Op: "inotify_add_watch", Path: dir, Err: err}
		}
		if w.holds() {
			p.disarm(w)
			w.Holds()
			return nil
		}
		if nearest(filepath.Dir(w.Name)) == dir {
			return nil
		}
		p.disarm(w)
	}
	return p.why
}

// watch adds a watch for a path.
func (p *Paths) watch(w *Path, name string, mask uint32) error {
	wd, err := unix.InotifyAddWatch(p.FD, name, mask)
	if err != nil {
		return err
	}
	if !slices.Contains(p.waiting[w], int32(wd)) {
		p.waiting[w] = append(p.waiting[w], int32(wd))
		p.byWatch[int32(wd)] = append(p.byWatch[int32(wd)], w)
	}
	return nil
}

// watchWay watches every directory and link on the way to a directory, by its name and by its real one.
func (p *Paths) watchWay(w *Path, dir string) {
	names := []string{dir}
	if real, err := filepath.EvalSymlinks(dir); err == nil && real != dir {
		names = append(names, real)
	}
	for _, name := range names {
		for i := 1; i <= len(name); i++ {
			if i == len(name) || name[i] == '/' {
				p.watch(w, name[:i], moves) // what may not be watched is not heard of
			}
		}
	}
}

func (p *Paths) disarm(w *Path) {
	for _, wd := range p.waiting[w] {
		rest := slices.DeleteFunc(p.byWatch[wd], func(o *Path) bool { return o == w })
		p.byWatch[wd] = rest
		if len(rest) == 0 {
			delete(p.byWatch, wd)
			unix.InotifyRmWatch(p.FD, uint32(wd))
		}
	}
	delete(p.waiting, w)
}

func nearest(dir string) string {
	for {
		if st, err := os.Stat(dir); err == nil && st.IsDir() || dir == "/" || dir == "." {
			return dir
		}
		dir = filepath.Dir(dir)
	}
}

// Changed reads what the kernel told and looks at the paths that it may concern.
func (p *Paths) Changed() error {
	touched := map[int32]bool{}
	var buf [8192]byte
	for {
		n, err := unix.Read(p.FD, buf[:])
		if err == unix.EINTR {
			continue
		}
		if err != nil || n < unix.SizeofInotifyEvent {
			break
		}
		for at := 0; at+unix.SizeofInotifyEvent <= n; {
			ev := (*unix.InotifyEvent)(unsafe.Pointer(&buf[at]))
			touched[ev.Wd] = true // -1 is an overflow: look at everything
			at += unix.SizeofInotifyEvent + int(ev.Len)
		}
	}
	return p.again(func(w *Path) bool {
		return touched[-1] || slices.ContainsFunc(p.waiting[w], func(wd int32) bool { return touched[wd] })
	})
}

// Again looks at every path: after a mount, of which inotify tells nothing.
func (p *Paths) Again() error { return p.again(func(*Path) bool { return true }) }

func (p *Paths) again(concerns func(*Path) bool) error {
	var list []*Path
	for w := range p.waiting {
		if concerns(w) {
			list = append(list, w)
		}
	}
	sort.Slice(list, func(i, k int) bool { return list[i].Name < list[k].Name })
	var all error
	for _, w := range list {
		if _, still := p.waiting[w]; still { // one before it may have had it removed
			p.disarm(w)
			all = errors.Join(all, p.Add(w))
		}
	}
	return all
}
