package targets

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
)

// Bounds of what is read: far above any real configuration, low enough for a small board.
const (
	maxFile  = 4 << 20  // bytes of one file
	maxTotal = 16 << 20 // bytes of all files
	maxFiles = 4096
)

// Source is one configuration file as it was read.
type Source struct {
	Path   string
	Data   []byte
	Layer  int  // the place of its directory on the search path: a later one overrides
	DropIn bool // from a *.d directory: overrides the main files of its layer
}

// DefaultDirs is where a configuration is looked for when nothing else is said. A later directory overrides, and
// any of them may be missing.
func DefaultDirs() []string {
	return []string{"/usr/lib/orderly", "/etc/orderly", "/run/orderly/conf"}
}

// rank orders the classes within which a key may be set only once; a higher one overrides.
func (s Source) rank() int {
	if s.DropIn {
		return 2*s.Layer + 1
	}
	return 2 * s.Layer
}

// bundleMagic begins a bundle; the digit is its format.
const bundleMagic = "orderly1"

// Bundle puts the sources into one blob, for the memfd that outlives a manager and for the last good configuration:
//
//	"orderly1" count { layer dropin len(path) path len(data) data }... crc32c
//
// Numbers are unsigned varints; the checksum is little-endian over everything before it.
func Bundle(sources []Source) []byte {
	b := []byte(bundleMagic)
	b = binary.AppendUvarint(b, uint64(len(sources)))
	for _, s := range sources {
		b = binary.AppendUvarint(b, uint64(s.Layer))
		dropIn := uint64(0)
		if s.DropIn {
			dropIn = 1
		}
		b = binary.AppendUvarint(b, dropIn)
		b = append(binary.AppendUvarint(b, uint64(len(s.Path))), s.Path...)
		b = append(binary.AppendUvarint(b, uint64(len(s.Data))), s.Data...)
	}
	return binary.LittleEndian.AppendUint32(b, checksum(b))
}

// Unbundle is the inverse of Bundle. Anything but a whole, unchanged bundle is an error.
func Unbundle(blob []byte) ([]Source, error) {
	body := len(blob) - crc32.Size
	if body < len(bundleMagic) || !bytes.HasPrefix(blob, []byte(bundleMagic)) {
		return nil, errors.New("read configuration bundle: not a bundle")
	}
	if binary.LittleEndian.Uint32(blob[body:]) != checksum(blob[:body]) {
		return nil, errors.New("read configuration bundle: checksum does not match")
	}
	u := unbundler{rest: blob[len(bundleMagic):body]}
	n := u.number(maxFiles)
	sources := make([]Source, 0, min(n, 64))
	for range n {
		s := Source{Layer: u.number(maxFiles), DropIn: u.number(1) == 1}
		s.Path = string(u.bytes(maxFile))
		s.Data = bytes.Clone(u.bytes(maxFile))
		if u.err != nil {
			break
		}
		sources = append(sources, s)
	}
	if u.err == nil && len(u.rest) > 0 {
		u.err = errors.New("bytes after the last file")
	}
	if u.err != nil {
		return nil, fmt.Errorf("read configuration bundle: %w", u.err)
	}
	return sources, nil
}

func checksum(b []byte) uint32 { return crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)) }

// unbundler takes fields from the front of a bundle; after the first error it yields zeros.
type unbundler struct {
	rest []byte
	err  error
}

func (u *unbundler) number(limit uint64) int {
	v, n := binary.Uvarint(u.rest)
	if u.err == nil && (n <= 0 || v > limit) {
		u.err = errors.New("number out of range")
	}
	if u.err != nil {
		return 0
	}
	u.rest = u.rest[n:]
	return int(v)
}

func (u *unbundler) bytes(limit uint64) []byte {
	n := u.number(limit)
	if u.err == nil && n > len(u.rest) {
		u.err = errors.New("cut short")
	}
	if u.err != nil {
		return nil
	}
	b := u.rest[:n]
	u.rest = u.rest[n:]
	return b
}
