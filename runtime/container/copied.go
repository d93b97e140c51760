package container

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/runtime"
)

// copied makes a tmpfs that begins with what the root has in its place: before the start, on a mount that is nowhere yet.
func (m *making) copied(one *runtime.Mounting) error {
	failed := func(err error) error { return fmt.Errorf("mount %s: copy: %w", one.Target, err) }
	tree, err := detachedTmpfs(one.Data)
	if err != nil {
		return failed(err)
	}
	m.open = append(m.open, tree)
	one.Bind, one.Type, one.Tree = true, "", tree
	from, err := m.root.open(one.Target, unix.O_RDONLY|unix.O_DIRECTORY)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return failed(err)
	}
	defer unix.Close(from)
	if err := copyTree(from, tree); err != nil {
		return failed(err)
	}
	return nil
}

// detachedTmpfs mounts a tmpfs nowhere, see fsmount(2).
func detachedTmpfs(options string) (fd int, err error) {
	context, err := unix.Fsopen("tmpfs", unix.FSOPEN_CLOEXEC)
	if err != nil {
		return -1, fmt.Errorf("fsopen tmpfs: %w", err)
	}
	defer unix.Close(context)
	for option := range strings.SplitSeq(options, ",") {
		name, value, valued := strings.Cut(option, "=")
		switch {
		case option == "":
		case valued:
			err = unix.FsconfigSetString(context, name, value)
		default:
			err = unix.FsconfigSetFlag(context, name)
		}
		if err != nil {
			return -1, fmt.Errorf("tmpfs option %s: %w", option, err)
		}
	}
	if err := unix.FsconfigCreate(context); err != nil {
		return -1, fmt.Errorf("make tmpfs: %w", err)
	}
	return unix.Fsmount(context, unix.FSMOUNT_CLOEXEC, 0)
}

// copyTree copies directories, files and symbolic links, with owners and permissions, from one directory into another. No link is
// followed.
func copyTree(from, to int) error {
	source, err := os.OpenRoot("/proc/self/fd/" + strconv.Itoa(from))
	if err != nil {
		return err
	}
	defer source.Close()
	target, err := os.OpenRoot("/proc/self/fd/" + strconv.Itoa(to))
	if err != nil {
		return err
	}
	defer target.Close()
	return fs.WalkDir(source.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := source.Lstat(name)
		if err != nil {
			return err
		}
		return copyOne(source, target, name, info)
	})
}

func copyOne(source, target *os.Root, name string, info fs.FileInfo) (err error) {
	switch info.Mode().Type() {
	case fs.ModeDir:
		if name != "." {
			err = target.Mkdir(name, 0o700)
		}
	case fs.ModeSymlink:
		var to string
		if to, err = source.Readlink(name); err == nil {
			err = target.Symlink(to, name)
		}
	case 0:
		err = copyFile(source, target, name)
	default:
		err = fmt.Errorf("%s: is neither a file nor a directory nor a link", name)
	}
	if err != nil {
		return err
	}
	return owned(target, name, info)
}

func owned(target *os.Root, name string, info fs.FileInfo) error {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return nil
	}
	if err := target.Lchown(name, int(st.Uid), int(st.Gid)); err != nil || info.Mode().Type() == fs.ModeSymlink {
		return err
	}
	return target.Chmod(name, info.Mode().Perm()|info.Mode()&(fs.ModeSetuid|fs.ModeSetgid|fs.ModeSticky))
}

func copyFile(source, target *os.Root, name string) error {
	in, err := source.OpenFile(name, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := target.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, in); err != nil {
		out.Close()
		return err
	}
	return out.Close()
}
