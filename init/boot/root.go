package boot

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// needed are the directories of the root without which next to nothing works.
func needed() []string { return []string{"/proc", "/sys", "/dev", "/run"} }

// completeRoot is for a root that lacks mount points and cannot be written to: one in memory that has them, and all that the root
// has, is laid over it. It returns what there is to say.
func completeRoot() error {
	var missing []string
	var why error
	for _, point := range needed() {
		if err := os.MkdirAll(point, 0o755); err != nil {
			missing, why = append(missing, point), err
		}
	}
	if len(missing) == 0 {
		return nil
	}
	if err := layRoot(missing); err != nil {
		return fmt.Errorf("%w; root in memory: %w", why, err)
	}
	return fmt.Errorf("the root has no %s (%w): one in memory that has lies over it", strings.Join(missing, ", "), why)
}

// layRoot makes the new root on a directory of the old one, which is seen through a bind mount meanwhile, and moves it over it.
func layRoot(missing []string) (err error) {
	entries, err := os.ReadDir("/")
	if err != nil {
		return err
	}
	at := firstDirectory(entries)
	if at == "" {
		return fmt.Errorf("no directory to make it on")
	}
	if err := mountMemory(at); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			unix.Unmount(at, unix.MNT_DETACH)
		}
	}()
	old := filepath.Join(at, ".old")
	if err := bindInto("/", old, unix.MS_BIND); err != nil {
		return err
	}
	for _, e := range entries {
		from := "/" + e.Name()
		if slices.Contains(needed(), from) && !mounted(from) {
			missing = append(missing, from) // a bind mount there would be taken for what is to be mounted
			continue
		}
		if from == at {
			from = old + at
		}
		if err := copyEntry(from, filepath.Join(at, e.Name()), e); err != nil {
			return err
		}
	}
	for _, point := range missing {
		if err := os.MkdirAll(at+point, 0o755); err != nil {
			return err
		}
	}
	unix.Unmount(old, unix.MNT_DETACH)
	os.Remove(old)
	return enterRoot(at)
}

// firstDirectory is one that can be mounted on for a moment: nothing is there that is needed elsewhere.
func firstDirectory(entries []os.DirEntry) string {
	for _, e := range entries {
		if path := "/" + e.Name(); e.IsDir() && !mounted(path) && !slices.Contains(needed(), path) {
			return path
		}
	}
	return ""
}

// mountMemory mounts memory; every kernel has ramfs.
func mountMemory(at string) error {
	if unix.Mount("tmpfs", at, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=0755") == nil {
		return nil
	}
	return wrap("mount ramfs", unix.Mount("ramfs", at, "ramfs", unix.MS_NOSUID|unix.MS_NODEV, ""))
}

// copyEntry makes an entry of the old root one of the new: with all that is mounted in it.
func copyEntry(from, to string, e os.DirEntry) error {
	switch {
	case e.Type()&os.ModeSymlink != 0:
		target, err := os.Readlink(from)
		if err != nil {
			return err
		}
		return os.Symlink(target, to)
	case e.IsDir():
		return bindInto(from, to, unix.MS_BIND|unix.MS_REC)
	}
	if err := os.WriteFile(to, nil, 0o600); err != nil {
		return err
	}
	return wrap("bind "+from, unix.Mount(from, to, "", unix.MS_BIND, ""))
}

func bindInto(from, to string, flags uintptr) error {
	if err := os.Mkdir(to, 0o755); err != nil {
		return err
	}
	return wrap("bind "+from, unix.Mount(from, to, "", flags, ""))
}

// enterRoot makes a mount the root (switch_root(8)). Like the one below it cannot be written to.
func enterRoot(at string) error {
	if err := unix.Mount("", at, "", unix.MS_REMOUNT|unix.MS_RDONLY|unix.MS_NOSUID|unix.MS_NODEV, ""); err != nil {
		return wrap("make it read-only", err)
	}
	if err := os.Chdir(at); err != nil {
		return err
	}
	if err := unix.Mount(".", "/", "", unix.MS_MOVE, ""); err != nil {
		return wrap("move it", err)
	}
	if err := unix.Chroot("."); err != nil {
		return wrap("chroot", err)
	}
	return os.Chdir("/")
}
