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
	return idMapped(path, user, unix.AT_RECURSIVE)
}

// IDMappedAlone is IDMapped without what is mounted below, and of a file too.
func IDMappedAlone(path string, user int) (tree int, err error) { return idMapped(path, user, 0) }

func idMapped(path string, user int, recursive uint) (tree int, err error) {
	tree, err = unix.OpenTree(unix.AT_FDCWD, path, unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC|recursive)
	if err != nil {
		return -1, fmt.Errorf("idmapped mount %s: open_tree: %w", path, err)
	}
	attr := unix.MountAttr{Attr_set: unix.MOUNT_ATTR_IDMAP, Userns_fd: uint64(user)}
	if err := unix.MountSetattr(tree, "", unix.AT_EMPTY_PATH|recursive, &attr); err != nil {
		unix.Close(tree)
		return -1, fmt.Errorf("idmapped mount %s: %w", path, err)
	}
	return tree, nil
}
