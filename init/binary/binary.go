// Package binary is the file that this very program is executed from.
//
// It owns how that file is opened and executed so that a container cannot change it. A script in a container may name
// /proc/self/exe as its interpreter: that is, when the container's program is executed, the file of who starts it. Its root
// could then change the mode and the owner of the machine's Orderly, or what is in it. So what starts containers is executed
// from a mount of its own that is read-only and that no path leads to.
//
// It must not know what is started.
package binary

import (
	"os"
	"strconv"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Own opens the very file that runs, whatever becomes of its name; on a kernel without /proc what has that name now.
func Own() (fd int, err error) {
	path := own
	if bare() {
		path = Name()
	}
	fd, err = unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, &os.PathError{Op: "open", Path: path, Err: err}
	}
	return Protected(fd), nil
}

// Name is the path that the file of this program had when it was executed; "" where the kernel does not tell.
func Name() string {
	if path, err := os.Readlink(own); err == nil {
		return path
	}
	return given()
}

// given is the path that execve(2) was given for this program (getauxval(3), AT_EXECFN).
func given() string {
	vector, err := unix.Auxv()
	if err != nil {
		return ""
	}
	for _, v := range vector {
		if v[0] == atExecFn {
			return unix.BytePtrToString(*(**byte)(unsafe.Pointer(&v[1])))
		}
	}
	return ""
}

const (
	own      = "/proc/self/exe"
	atExecFn = 31
)

// bare says whether there is no /proc.
func bare() bool {
	_, err := os.Lstat(own)
	return err != nil
}

// Path is what a descriptor of a file can be executed by. Without /proc there is no such path: it is the name of this program.
func Path(fd int) string {
	if bare() {
		return given()
	}
	return "/proc/self/fd/" + strconv.Itoa(fd)
}

// Protected takes a descriptor of a file and returns one through a mount that cannot be written to, see open_tree(2) and
// mount_setattr(2): Linux 5.12, and CAP_SYS_ADMIN. Where that cannot be had it is the same one.
func Protected(fd int) int {
	tree, err := unix.OpenTree(unix.AT_FDCWD, Path(fd), unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC)
	if err != nil {
		return fd
	}
	defer unix.Close(tree)
	attr := unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY, Propagation: unix.MS_PRIVATE}
	if err := unix.MountSetattr(tree, "", unix.AT_EMPTY_PATH, &attr); err != nil {
		return fd
	}
	protected, err := unix.Open(Path(tree), unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return fd
	}
	unix.Close(fd)
	return protected
}

// Protect executes this program again from a mount that cannot be written to, unless it is so already. It returns where that
// cannot be had.
func Protect() {
	var fs unix.Statfs_t
	if err := unix.Statfs(own, &fs); err != nil || fs.Flags&unix.ST_RDONLY != 0 {
		return
	}
	fd, err := unix.Open(own, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return
	}
	if protected := Protected(fd); protected != fd {
		fd = protected
		_ = unix.Exec(Path(fd), os.Args, os.Environ()) // else we go on as we are
	}
	unix.Close(fd)
}
