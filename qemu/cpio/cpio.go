// Package cpio writes archives in the "newc" format, which the kernel unpacks as its first root file system
// (Documentation/driver-api/early-userspace/buffer-format.rst). The same entries give the same bytes: every time
// stamp is zero and inodes count from one. It knows no host files.
//
//	header (110 bytes of ASCII) | name NUL, padded to 4 | data, padded to 4 | ... | TRAILER!!!
package cpio

import (
	"fmt"
	"io"
	"path"
	"strings"
)

// File type bits of a mode (inode(7)).
const (
	directory = 0o040000
	regular   = 0o100000
	symlink   = 0o120000
	character = 0o020000
)

// Entry is one file of an archive.
type Entry struct {
	Name         string // without a leading slash
	Mode         uint32 // with the type bits
	Data         []byte // content, or the target of a symbolic link
	Major, Minor uint32 // of a device
}

// Dir is a directory.
func Dir(name string) Entry { return Entry{Name: name, Mode: directory | 0o755} }

// File is a regular file with permission bits.
func File(name string, mode uint32, data []byte) Entry {
	return Entry{Name: name, Mode: regular | mode&0o7777, Data: data}
}

// Link is a symbolic link.
func Link(name, target string) Entry {
	return Entry{Name: name, Mode: symlink | 0o777, Data: []byte(target)}
}

// Device is a character device.
func Device(name string, mode, major, minor uint32) Entry {
	return Entry{Name: name, Mode: character | mode&0o7777, Major: major, Minor: minor}
}

// Write writes an archive in the order given. Directories that nobody named are written before the first entry that
// is in them; of two entries with one name the later one wins, as the kernel unpacks it last.
func Write(w io.Writer, entries []Entry) error {
	a := archive{w: w, dirs: map[string]bool{".": true}}
	for _, e := range entries {
		e.Name = strings.TrimPrefix(path.Clean("/"+e.Name), "/")
		if e.Name == "" {
			continue
		}
		a.parents(e.Name)
		if e.Mode&directory == directory && a.dirs[e.Name] {
			continue
		}
		if e.Mode&directory == directory {
			a.dirs[e.Name] = true
		}
		a.entry(e)
	}
	a.entry(Entry{Name: "TRAILER!!!"})
	return a.err
}

// archive is one archive being written; after the first error it writes nothing.
type archive struct {
	w    io.Writer
	ino  uint32
	dirs map[string]bool
	err  error
}

func (a *archive) parents(name string) {
	dir := path.Dir(name)
	if a.dirs[dir] {
		return
	}
	a.parents(dir)
	a.dirs[dir] = true
	a.entry(Dir(dir))
}

func (a *archive) entry(e Entry) {
	a.ino++
	links := 1
	if e.Mode&directory == directory {
		links = 2
	}
	// magic, ino, mode, uid, gid, nlink, mtime, size, dev major and minor, rdev major and minor, name size, checksum
	header := fmt.Sprintf("070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X",
		a.ino, e.Mode, 0, 0, links, 0, len(e.Data), 0, 0, e.Major, e.Minor, len(e.Name)+1, 0)
	a.padded([]byte(header + e.Name + "\x00"))
	a.padded(e.Data)
}

// padded writes b and the zeros up to the next multiple of four.
func (a *archive) padded(b []byte) {
	if a.err != nil {
		return
	}
	if _, a.err = a.w.Write(b); a.err != nil {
		return
	}
	_, a.err = a.w.Write(make([]byte, -len(b)&3))
}
