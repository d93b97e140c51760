package runtime

import (
	"cmp"
	"slices"
	"strconv"

	"golang.org/x/sys/unix"
)

const lastFD = uintptr(^uint32(0))

// ownTable gives the child a table of descriptors of its own. A copy costs
// 35 ns for each descriptor that the caller has, and a manager has thousands:
// so the clones share the table, and this copies only up to the highest one
// that the child needs (close_range(2), CLOSE_RANGE_UNSHARE). Keep those low.
func (l *list) ownTable() {
	if l.host.Flavour == Cow {
		return
	}
	top := 2
	for _, f := range l.given() {
		top = max(top, f.FD)
	}
	l.do("own descriptors", "", "close_range", unix.SYS_CLOSE_RANGE, top+1, lastFD, unix.CLOSE_RANGE_UNSHARE)
}

// files puts the descriptors in their places and really closes all others,
// gaps too: what is left to exec to close would keep a concurrent fork waiting.
func (l *list) files() {
	files := slices.SortedFunc(slices.Values(l.given()), func(a, b File) int { return cmp.Compare(a.Child, b.Child) })
	l.clear(files)
	for _, f := range files {
		n := strconv.Itoa(f.Child)
		if f.Child == f.FD {
			l.do("descriptor", n, "fcntl", unix.SYS_FCNTL, f.FD, unix.F_SETFD, 0)
			continue
		}
		l.do("descriptor", n, "dup3", unix.SYS_DUP3, f.FD, f.Child, 0)
	}
	next := 0
	for _, f := range files {
		l.closeRange(next, f.Child-1)
		next = f.Child + 1
	}
	l.closeFrom(next)
}

// clear moves every source that lies in another's place above all of them.
func (l *list) clear(files []File) {
	top := 0
	for _, f := range files {
		top = max(top, f.Child, f.FD)
	}
	for i := range files {
		from := files[i].FD
		if from == files[i].Child || !slices.ContainsFunc(files, func(f File) bool { return f.Child == from }) {
			continue
		}
		top++
		l.do("descriptor", strconv.Itoa(files[i].Child), "dup3", unix.SYS_DUP3, from, top, unix.O_CLOEXEC)
		files[i].FD = top
	}
}

// closeRange closes the gap from..to. A kernel below 5.9 cannot: there all
// that the caller opened has the close-on-exec flag. But what lies in 0 to 2
// must be gone for standard to find its place.
func (l *list) closeRange(from, to int) {
	for n := from; n <= min(to, 2); n++ {
		l.add(Step{Verb: "close", Object: strconv.Itoa(n), Call: "close", Nr: unix.SYS_CLOSE, Args: []any{n}, how: flagTry})
	}
	if from = max(from, 3); from <= to {
		l.closing(from, uintptr(to))
	}
}

func (l *list) closeFrom(from int) {
	l.closeRange(from, 2)
	l.closing(max(from, 3), lastFD)
}

func (l *list) closing(from int, to uintptr) {
	s := Step{Verb: "close others", Call: "close_range", Nr: unix.SYS_CLOSE_RANGE, Args: []any{from, to, 0}}
	if l.host.Flavour == Cow {
		s.how = flagTry
	}
	l.add(s)
}

// standard opens what is absent of 0, 1 and 2, in this order: open and dup
// give the lowest number that is free (open(2)), and that is the wanted one.
func (l *list) standard() {
	path, flags := "/dev/null", unix.O_RDWR
	if l.spec.Terminal != "" {
		path, flags = l.spec.Terminal, unix.O_RDWR|unix.O_NOCTTY
	}
	opened := false
	for n := range 3 {
		if slices.ContainsFunc(l.spec.Files, func(f File) bool { return f.Child == n }) {
			continue
		}
		if opened {
			l.add(Step{Verb: "descriptor", Object: strconv.Itoa(n), Call: "dup", Nr: unix.SYS_DUP, Args: []any{kept}, how: flagUse})
			continue
		}
		l.open(path, flags)
		opened = true
	}
	if l.spec.Terminal != "" && !opened {
		l.open(path, flags)
		l.closeKept("close", path)
	}
}

// open opens a terminal, and takes it, or the null device, and keeps it.
func (l *list) open(path string, flags int) {
	l.add(Step{Verb: "open", Object: path, Call: "openat", Nr: unix.SYS_OPENAT,
		Args: []any{unix.AT_FDCWD, path, flags}, how: flagSave})
	if l.spec.Terminal != "" {
		// 1: also from another session, with CAP_SYS_ADMIN (TIOCSCTTY(2const)).
		l.add(Step{Verb: "control terminal", Object: path, Call: "ioctl", Nr: unix.SYS_IOCTL,
			Args: []any{kept, unix.TIOCSCTTY, 1}, how: flagUse})
	}
}
