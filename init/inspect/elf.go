package inspect

import (
	"bytes"
	"encoding/binary"
	"io"
	goruntime "runtime"
)

// image is what matters of an ELF file (elf(5)): for which processor it is, and who loads it.
type image struct {
	machine uint16
	loader  string // PT_INTERP; "" where it is static
}

// The machines of elf(5) that we have names for.
const (
	machine386   = 3
	machineARM   = 40
	machineAMD64 = 62
	machineARM64 = 183
)

func machineName(m uint16) string {
	switch m {
	case machine386:
		return "386"
	case machineARM:
		return "arm"
	case machineAMD64:
		return "amd64"
	case machineARM64:
		return "arm64"
	}
	return "another"
}

// ownMachine is that of this program, 0 where it has no name here.
func ownMachine() uint16 {
	for _, m := range []uint16{machine386, machineARM, machineAMD64, machineARM64} {
		if machineName(m) == goruntime.GOARCH {
			return m
		}
	}
	return 0
}

// runs reports whether a processor runs programs for another: 64 bits run their 32.
func runs(processor, program uint16) bool {
	return processor == 0 || processor == program ||
		processor == machineAMD64 && program == machine386 || processor == machineARM64 && program == machineARM
}

const (
	elfHeader  = 64  // bytes, of 64 bits; that of 32 bits is shorter
	elfParts   = 512 // program headers that are looked at
	elfLoader  = 3   // PT_INTERP
	loaderPath = 4096
)

// parseELF reads the header of an ELF file, and false where it is none or broken.
func parseELF(file io.ReaderAt) (image, bool) {
	head := make([]byte, elfHeader)
	n, _ := file.ReadAt(head, 0)
	if n < 52 || !bytes.HasPrefix(head, []byte("\x7fELF")) || head[4] != 1 && head[4] != 2 {
		return image{}, false
	}
	var order binary.ByteOrder = binary.LittleEndian
	if head[5] == 2 {
		order = binary.BigEndian
	}
	img := image{machine: order.Uint16(head[18:])}
	table, size, count := int64(order.Uint32(head[28:])), int64(order.Uint16(head[42:])), int(order.Uint16(head[44:]))
	if wide := head[4] == 2; wide {
		if n < elfHeader {
			return image{}, false
		}
		table, size, count = int64(order.Uint64(head[32:])), int64(order.Uint16(head[54:])), int(order.Uint16(head[56:]))
	}
	for i := range min(count, elfParts) {
		part := make([]byte, 56)
		if n, _ := file.ReadAt(part, max(table, 0)+int64(i)*size); n < 32 {
			return img, false
		}
		if order.Uint32(part) == elfLoader {
			img.loader = loaderOf(file, part, head[4] == 2, order)
		}
	}
	return img, true
}

// loaderOf reads the path that a program header points to.
func loaderOf(file io.ReaderAt, part []byte, wide bool, order binary.ByteOrder) string {
	at, size := int64(order.Uint32(part[4:])), int64(order.Uint32(part[16:]))
	if wide {
		at, size = int64(order.Uint64(part[8:])), int64(order.Uint64(part[32:]))
	}
	if at < 0 || size <= 0 || size > loaderPath {
		return ""
	}
	text := make([]byte, size)
	if n, _ := file.ReadAt(text, at); int64(n) < size {
		return ""
	}
	return string(bytes.TrimRight(text, "\x00"))
}
