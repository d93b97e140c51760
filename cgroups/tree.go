package cgroups

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/moby/sys/mountinfo"
	"golang.org/x/sys/unix"
)

// ErrNone says that there is no cgroup v2 hierarchy.
var ErrNone = errors.New("no cgroup v2 hierarchy is mounted")

// Place is where the calling process is in the hierarchy.
type Place struct {
	Mount string // where cgroup v2 is mounted
	Root  string // which group is seen there, as /proc/PID/cgroup names it: "/", or the one that a container shows of the host's
	Own   string // the directory, below Mount, of the process; not that to which Vacate has moved it, but the one above
}

// Name is the name that /proc/PID/cgroup has for a directory below Mount, and Dir the directory of such a name.
func (p Place) Name(dir string) string {
	return filepath.Join(p.Root, strings.TrimPrefix(dir, p.Mount))
}

// Dir is the inverse of Name.
func (p Place) Dir(name string) string {
	return filepath.Join(p.Mount, strings.TrimPrefix(name, strings.TrimSuffix(p.Root, "/")))
}

// Hierarchy finds where cgroup v2 is mounted and which directory of it the calling process is in.
func Hierarchy() (Place, error) {
	mounts, err := mountinfo.GetMounts(mountinfo.FSTypeFilter("cgroup2"))
	if err != nil {
		return Place{}, fmt.Errorf("read the mount table: %w", err)
	}
	b, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return Place{}, err
	}
	name := unified(string(b))
	for _, m := range mounts {
		p := Place{Mount: m.Mountpoint, Root: m.Root}
		if name == "" || !below(m.Root, name) {
			continue // another part of the hierarchy is mounted there
		}
		p.Own = p.Dir(strings.TrimSuffix(name, "/"))
		if strings.HasSuffix(p.Own, leaf) {
			p.Own = filepath.Dir(p.Own)
		}
		return p, nil
	}
	return Place{}, ErrNone
}

// below says whether a group is another one, or in it.
func below(root, name string) bool {
	return root == "/" || name == root || strings.HasPrefix(name, root+"/")
}

// Tree is a directory of the hierarchy in which groups are made. Set, Statistics and what else only reads or writes files of a
// group may be called from any goroutine, all else from one.
type Tree struct {
	Path   string
	mount  string
	fd     int
	sound  map[string]bool // groups made here and not killed since
	passed []string        // controllers that the groups have
	filter deviceFilter    // the last one
}

// Open opens a directory below the hierarchy, and makes it where it is missing.
func (p Place) Open(path string) (*Tree, error) {
	if err := os.Mkdir(path, 0o755); err != nil && !errors.Is(err, os.ErrExist) {
		return nil, err
	}
	fd, err := unix.Open(path, unix.O_DIRECTORY|unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: path, Err: err}
	}
	t := &Tree{Path: path, mount: p.Mount, fd: fd, sound: map[string]bool{}}
	if kind, _ := t.read("", "cgroup.type", make([]byte, 0, 32)); strings.TrimSpace(string(kind)) == "domain invalid" {
		t.Close()
		unix.Rmdir(path)
		return nil, fmt.Errorf("%s is threaded: no group below it can have a process of its own", filepath.Dir(path))
	}
	return t, nil
}

// Close closes the tree; its groups stay.
func (t *Tree) Close() error {
	t.filter.close()
	return unix.Close(t.fd)
}

// Names lists the groups.
func (t *Tree) Names() ([]string, error) {
	entries, err := os.ReadDir(t.Path)
	var names []string
	for _, e := range entries {
		if e.IsDir() {
			names = append(names, e.Name())
		}
	}
	return names, err
}

// Make makes a group, or takes the one that is there, and returns a descriptor of its directory, which is the
// caller's. One that may have been killed is made anew where nobody is in it: from Linux 6.14 on a group in which
// cgroup.kill was written kills every process that is cloned into it (kill_seq in kernel/cgroup/cgroup.c: what is
// compared before and after is that of the caller's group and that of this one).
func (t *Tree) Make(name string) (fd int, err error) {
	if !t.sound[name] {
		t.Remove(name)
		t.sound[name] = true
	}
	if err := unix.Mkdirat(t.fd, name, 0o755); err != nil && err != unix.EEXIST {
		return -1, t.failed("mkdir", name, err)
	}
	fd, err = unix.Openat(t.fd, name, unix.O_DIRECTORY|unix.O_PATH|unix.O_CLOEXEC, 0)
	return fd, t.failed("open", name, err)
}

// Remove removes a group and what was made below it. A group with a process in it stays: EBUSY.
func (t *Tree) Remove(name string) error {
	delete(t.sound, name)
	err := unix.Unlinkat(t.fd, name, unix.AT_REMOVEDIR)
	if err == unix.EBUSY || err == unix.ENOTEMPTY {
		t.removeBelow(filepath.Join(t.Path, name))
		err = unix.Unlinkat(t.fd, name, unix.AT_REMOVEDIR)
	}
	if err == unix.ENOENT {
		return nil
	}
	return t.failed("rmdir", name, err)
}

// removeBelow removes the directories that a component made in its own group, deepest first.
func (t *Tree) removeBelow(dir string) {
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		if e.IsDir() {
			sub := filepath.Join(dir, e.Name())
			t.removeBelow(sub)
			unix.Rmdir(sub)
		}
	}
}

// RemoveAll removes the tree's own directory as well; all groups must be empty.
func (t *Tree) RemoveAll() error {
	names, err := t.Names()
	for _, name := range names {
		err = errors.Join(err, t.Remove(name))
	}
	if e := unix.Rmdir(t.Path); e != nil && e != unix.ENOENT {
		err = errors.Join(err, &os.PathError{Op: "rmdir", Path: t.Path, Err: e})
	}
	return err
}

func (t *Tree) failed(op, name string, err error) error {
	if err == nil {
		return nil
	}
	return &os.PathError{Op: op, Path: filepath.Join(t.Path, name), Err: err}
}
