package main

import (
	"encoding/binary"
	"fmt"
	"os"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	archAARCH64 = 183 << 16 // KEXEC_ARCH_AARCH64 (include/uapi/linux/kexec.h)
	between     = 2 << 20   // a kernel begins at a multiple of it (booting.rst of arm64)
)

// segment is struct kexec_segment: what becomes which piece of the memory.
type segment struct {
	from unsafe.Pointer
	size uintptr
	to   uintptr
	room uintptr
}

// kexec loads a kernel from a disk, with the tree of devices and the command line of this one. Its initramfs comes to where that of this
// one was, so that the tree need not be changed. Debian's kernels for arm64 have kexec_load(2) alone.
func kexec(kernel, initramfs string) error {
	const chosen = "/sys/firmware/devicetree/base/chosen/linux,initrd-"
	start, err := address(chosen + "start")
	if err != nil {
		return err
	}
	end, err := address(chosen + "end")
	if err != nil {
		return err
	}
	image, err := os.ReadFile(kernel)
	if err != nil {
		return err
	}
	if len(image) < 64 || string(image[56:60]) != "ARM\x64" {
		return fmt.Errorf("%s is no kernel", kernel)
	}
	archive, err := os.ReadFile(initramfs)
	if err != nil {
		return err
	}
	tree, err := os.ReadFile("/sys/firmware/fdt")
	if err != nil {
		return err
	}
	treeAt := (end + 2*between - 1) / between * between
	jumpAt := treeAt + between
	kernelAt := jumpAt + between + uintptr(binary.LittleEndian.Uint64(image[8:]))
	list := []segment{
		piece(archive[:min(len(archive), int(end-start))], start), piece(tree, treeAt), piece(jump(kernelAt, treeAt), jumpAt),
		piece(image, kernelAt),
	}
	list[3].room = pages(uintptr(binary.LittleEndian.Uint64(image[16:])))
	_, _, errno := unix.Syscall6(unix.SYS_KEXEC_LOAD, jumpAt, uintptr(len(list)), uintptr(unsafe.Pointer(&list[0])), archAARCH64, 0, 0)
	runtime.KeepAlive(list)
	if errno != 0 {
		return os.NewSyscallError("kexec_load", errno)
	}
	return nil
}

// address is one of the tree of devices, of 32 or 64 bits.
func address(file string) (uintptr, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return 0, err
	}
	var n uintptr
	for _, c := range b {
		n = n<<8 | uintptr(c)
	}
	return n, nil
}

func piece(b []byte, to uintptr) segment {
	return segment{unsafe.Pointer(&b[0]), uintptr(len(b)), to, pages(uintptr(len(b)))}
}

func pages(n uintptr) uintptr {
	const page = 64 << 10 // the largest that an arm64 has
	return (n + page - 1) / page * page
}

// jump is a program that begins a kernel: x0 has the tree of devices, x1 to x3 have 0 (booting.rst).
func jump(kernel, tree uintptr) []byte {
	var b []byte
	for _, word := range []uint32{
		0x580000c4, // ldr x4, kernel
		0x580000e0, // ldr x0, tree
		0xaa1f03e1, // mov x1, xzr
		0xaa1f03e2, // mov x2, xzr
		0xaa1f03e3, // mov x3, xzr
		0xd61f0080, // br x4
	} {
		b = binary.LittleEndian.AppendUint32(b, word)
	}
	b = binary.LittleEndian.AppendUint64(b, uint64(kernel))
	return binary.LittleEndian.AppendUint64(b, uint64(tree))
}
