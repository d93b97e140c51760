package main

import (
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The ioctls of device-mapper, and where its two structures have what is used of them (include/uapi/linux/dm-ioctl.h).
const (
	dmCreate  = 0xc138fd03
	dmSuspend = 0xc138fd06 // and resumes
	dmLoad    = 0xc138fd09

	suspendFlag = 1 << 1
	skipLockFS  = 1 << 10
	noFlush     = 1 << 11

	structSize = 312
	targetSize = 40
)

// mapped makes a device of all of another one, below /dev/mapper.
func mapped(name, device string) error {
	f, err := os.Open(device)
	if err != nil {
		return err
	}
	size, err := f.Seek(0, io.SeekEnd)
	f.Close()
	if err != nil {
		return err
	}
	device0, err := mapper(dmCreate, name, 0, nil)
	if err != nil {
		return err
	}
	// struct dm_target_spec: sector_start, length, status, next, target_type; the parameters behind it
	table := make([]byte, targetSize+len(device)+16)
	binary.NativeEndian.PutUint64(table[8:], uint64(size)/512)
	copy(table[24:], "linear")
	copy(table[targetSize:], device+" 0")
	if _, err := mapper(dmLoad, name, 0, table); err != nil {
		return err
	}
	if _, err := mapper(dmSuspend, name, 0, nil); err != nil {
		return err
	}
	os.Remove("/dev/mapper/" + name)
	return unix.Mknod("/dev/mapper/"+name, unix.S_IFBLK|0o600, int(device0))
}

// suspended holds back everything that is asked of a device, without writing first what is buffered; or lets it go on.
func suspended(name string, yes bool) error {
	var flags uint32
	if yes {
		flags = suspendFlag | skipLockFS | noFlush
	}
	_, err := mapper(dmSuspend, name, flags, nil)
	return err
}

// mapper makes one request about a device, and returns its number.
func mapper(request uintptr, name string, flags uint32, table []byte) (device uint64, err error) {
	b := make([]byte, structSize+len(table))
	binary.NativeEndian.PutUint32(b, 4) // version 4.0.0
	binary.NativeEndian.PutUint32(b[12:], uint32(len(b)))
	binary.NativeEndian.PutUint32(b[16:], structSize)
	if table != nil {
		binary.NativeEndian.PutUint32(b[20:], 1)
	}
	binary.NativeEndian.PutUint32(b[28:], flags)
	copy(b[48:48+127], name)
	copy(b[structSize:], table)
	fd, err := unix.Open("/dev/mapper/control", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return 0, fmt.Errorf("open /dev/mapper/control: %w", err)
	}
	defer unix.Close(fd)
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), request, uintptr(unsafe.Pointer(&b[0]))); errno != 0 {
		return 0, fmt.Errorf("device-mapper %s %#x: %w", name, request, errno)
	}
	return binary.NativeEndian.Uint64(b[40:]), nil
}
