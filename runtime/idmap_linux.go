package runtime

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// IDMapped returns a detached mount of a directory, with all below it, whose
// files belong, in a user namespace, to whom they belong outside. It is the
// caller's to close. Linux 5.12, and the file system must know how; see
// mount_setattr(2), MOUNT_ATTR_IDMAP.
func IDMapped(path string, user int) (tree int, err error) {
	tree, err = unix.OpenTree(unix.AT_FDCWD, path, unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC|unix.AT_RECURSIVE)
	if err != nil {
		return -1, fmt.Errorf("idmapped mount %s: open_tree: %w", path, err)
	}
	attr := unix.MountAttr{Attr_set: unix.MOUNT_ATTR_IDMAP, Userns_fd: uint64(user)}
	if err := unix.MountSetattr(tree, "", unix.AT_EMPTY_PATH|unix.AT_RECURSIVE, &attr); err != nil {
		unix.Close(tree)
		return -1, fmt.Errorf("idmapped mount %s: %w", path, err)
	}
	return tree, nil
}
