package boot

import (
	"encoding/binary"
	"os"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

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
