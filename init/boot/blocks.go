package boot

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// layer is a kind of thing that keeps disks and file systems in use: what there is of it, and how to free one.
type layer struct {
	name string
	list func() []string
	free func(name string) error
}

// layers are those besides mounts.
func layers() []layer {
	return []layer{
		{"swap", swaps, swapOff},
		{"loop", loops, clearLoop},
		{"device-mapper", mapped, removeMapped},
	}
}

// swaps are the files and partitions that are swapped to (proc(5), /proc/swaps).
func swaps() []string {
	b, err := os.ReadFile("/proc/swaps")
	if err != nil {
		return nil
	}
	return parseSwaps(string(b))
}

// parseSwaps reads /proc/swaps: a heading, then a path in front of each line.
func parseSwaps(text string) []string {
	var all []string
	for l := range strings.Lines(text) {
		if path, _, _ := strings.Cut(l, " "); strings.HasPrefix(path, "/") {
			all = append(all, unescape(path))
		}
	}
	return all
}

// below are the names of what matches a pattern, the latest first; the name is the element at a place.
func below(pattern string) []string {
	paths, _ := filepath.Glob(pattern) // sorted
	slices.Reverse(paths)
	for i, p := range paths {
		paths[i] = strings.Split(p, "/")[3]
	}
	return paths
}

// loops are the loop devices that have a file, mapped the device-mapper devices.
func loops() []string  { return below("/sys/block/loop*/loop/backing_file") }
func mapped() []string { return below("/sys/block/dm-*/dm/name") }

// swapOff takes a swap file or partition out of use (swapoff(2)).
func swapOff(path string) error {
	p, err := unix.BytePtrFromString(path)
	if err != nil {
		return err
	}
	if _, _, errno := unix.Syscall(unix.SYS_SWAPOFF, uintptr(unsafe.Pointer(p)), 0, 0); errno != 0 {
		return os.NewSyscallError("swapoff", errno)
	}
	return nil
}

// clearLoop takes its file from a loop device (loop(4)). One that is in use keeps it until it no longer is.
func clearLoop(name string) error {
	fd, err := unix.Open("/dev/"+name, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return os.NewSyscallError("LOOP_CLR_FD", unix.IoctlSetInt(fd, unix.LOOP_CLR_FD, 0))
}

// The ioctl that removes a device-mapper device, and the parts of its struct dm_ioctl that are used
// (include/uapi/linux/dm-ioctl.h).
const (
	dmRemove  = 0xc138fd04 // DM_DEV_REMOVE: _IOWR(0xfd, 4, struct dm_ioctl)
	dmSize    = 312
	dmVersion = 0 // three numbers
	dmLength  = 12
	dmName    = 48
	dmNameLen = 128
)

// removeMapped removes a device-mapper device, which /sys/block knows as dm-N and the ioctl by its name.
func removeMapped(device string) error {
	name, err := os.ReadFile("/sys/block/" + device + "/dm/name")
	if err != nil {
		return err
	}
	fd, err := unix.Open("/dev/mapper/control", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	request := mapperRequest(strings.TrimSuffix(string(name), "\n"))
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), dmRemove, uintptr(unsafe.Pointer(&request)))
	if errno != 0 {
		return os.NewSyscallError("DM_DEV_REMOVE", errno)
	}
	return nil
}

// mapperRequest is the struct dm_ioctl that names a device, for version 4 of the interface.
func mapperRequest(name string) (b [dmSize]byte) {
	binary.NativeEndian.PutUint32(b[dmVersion:], 4)
	binary.NativeEndian.PutUint32(b[dmLength:], dmSize)
	copy(b[dmName:dmName+dmNameLen-1], name)
	return b
}
