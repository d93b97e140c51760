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

// errNoDevice says that a file lies on no block device: on tmpfs, say, or on the network.
var errNoDevice = errors.New("is on no block device")

// Device finds the number, MAJOR:MINOR, of the disk at a path, or of the one that a file or a mount lies on. The limits of io.max are
// for whole disks: of a partition it is the disk's.
func Device(path string) (string, error) {
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		return "", &os.PathError{Op: "stat", Path: path, Err: err}
	}
	number := uint64(st.Rdev)
	if st.Mode&unix.S_IFMT != unix.S_IFBLK {
		var err error
		if number, err = holds(path, uint64(st.Dev)); err != nil {
			return "", fmt.Errorf("%s %w", path, err)
		}
	}
	return whole("/sys/dev/block", fmt.Sprintf("%d:%d", unix.Major(number), unix.Minor(number))), nil
}

// holds is the device that a file lies on. File systems over several devices, btrfs say, give files numbers of their own: then it is
// what was mounted.
func holds(path string, number uint64) (uint64, error) {
	if unix.Major(number) != 0 {
		return number, nil
	}
	resolved, err := filepath.EvalSymlinks(path)
	if err != nil {
		return 0, err
	}
	mounts, err := mountinfo.GetMounts(mountinfo.ParentsFilter(resolved))
	if err != nil {
		return 0, err
	}
	best := -1
	for i, m := range mounts { // the last one at the longest mount point is on top
		if best < 0 || len(m.Mountpoint) >= len(mounts[best].Mountpoint) {
			best = i
		}
	}
	if best < 0 || !strings.HasPrefix(mounts[best].Source, "/") {
		return 0, errNoDevice
	}
	var st unix.Stat_t
	if err := unix.Stat(mounts[best].Source, &st); err != nil || st.Mode&unix.S_IFMT != unix.S_IFBLK {
		return 0, errNoDevice
	}
	return uint64(st.Rdev), nil
}

// whole is the disk of a partition, and any other device itself (sysfs, /sys/dev/block).
func whole(sys, number string) string {
	dir, err := filepath.EvalSymlinks(filepath.Join(sys, number))
	if err != nil {
		return number
	}
	if _, err := os.Stat(filepath.Join(dir, "partition")); err != nil {
		return number
	}
	b, err := os.ReadFile(filepath.Join(filepath.Dir(dir), "dev"))
	if err != nil {
		return number
	}
	return strings.TrimSpace(string(b))
}
