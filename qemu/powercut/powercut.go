// Package powercut makes of what a machine wrote to its disk what is on that disk after the power was cut: everything that the disk
// was told to keep (flush), and of what came later any part. It knows no machine.
//
//	disk as it was ─┐
//	log of writes ──┴─► Apply ─► disk after the cut
//
// The log is that of QEMU's driver blklogwrites, which has the format of the kernel's dm-log-writes: a sector with a header, then a sector
// that describes an entry, with its data behind, again and again (Documentation/admin-guide/device-mapper/log-writes.rst).
package powercut

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
)

const (
	sector = 512
	block  = 4096 // what a disk writes as a whole

	flush   = 1 << 0
	fua     = 1 << 1 // forced unit access: is kept without a flush
	discard = 1 << 2
)

// entry is one request to the disk.
type entry struct {
	at    int64
	flags uint64
	data  []byte
}

// Apply changes a disk image, which is as it was before the machine ran, to what it is after the cut.
func Apply(disk, log string, random *rand.Rand) (kept, lost int, err error) {
	text, err := os.ReadFile(log)
	if err != nil {
		return 0, 0, err
	}
	f, err := os.OpenFile(disk, os.O_RDWR, 0)
	if err != nil {
		return 0, 0, err
	}
	defer f.Close()
	all := parse(text)
	for i, e := range all {
		if e.flags&discard != 0 {
			continue
		}
		sure := e.flags&fua != 0 || flushedLater(all[i:])
		for from := 0; from < len(e.data); from += block {
			piece := e.data[from:min(from+block, len(e.data))]
			if !sure && random.IntN(2) == 0 {
				lost++
				continue
			}
			kept++
			if _, err := f.WriteAt(piece, e.at+int64(from)); err != nil {
				return kept, lost, fmt.Errorf("cut %s: %w", disk, err)
			}
		}
	}
	return kept, lost, f.Close()
}

// flushedLater reports whether there is a flush.
func flushedLater(rest []entry) bool {
	for _, e := range rest {
		if e.flags&flush != 0 {
			return true
		}
	}
	return false
}

// parse reads a log up to where it is not complete: what comes there was under way when the power went.
func parse(text []byte) (all []entry) {
	for at := sector; at+sector <= len(text); {
		u64 := func(n int) uint64 { return binary.LittleEndian.Uint64(text[at+8*n:]) }
		e, length := entry{at: int64(u64(0)) * sector, flags: u64(2)}, int(u64(1))*sector
		if length == 0 && e.flags == 0 {
			break
		}
		at += sector
		if e.flags&discard == 0 {
			if at+length > len(text) {
				break
			}
			e.data = text[at : at+length]
			at += length
		}
		all = append(all, e)
	}
	return all
}
