package inspect

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"

	"golang.org/x/sys/unix"
)

// Root is the file system that is looked at. Its symbolic links are followed as they will be once it is the root: an absolute one begins
// there, and none leads out of it.
type Root struct {
	root *os.Root
	live bool // it is this machine's
}

// Open opens the file system below a directory, "" for that of this machine.
func Open(dir string) (*Root, error) {
	live := dir == ""
	if live {
		dir = "/"
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	return &Root{root: root, live: live}, nil
}

// Close closes it.
func (r *Root) Close() error { return r.root.Close() }

// maxLinks is how many symbolic links one path may lead through (path_resolution(7)).
const maxLinks = 40

// resolve follows a path to a name without links in it, relative to the root. With an error it is the name that is to blame.
func (r *Root) resolve(name string) (string, error) {
	done, links := "", 0
	todo := strings.Split(name, "/")
	for len(todo) > 0 {
		part := todo[0]
		todo = todo[1:]
		if part == "" || part == "." {
			continue
		}
		if part == ".." {
			done = strings.TrimSuffix(path.Dir("/" + done)[1:], "/")
			continue
		}
		at := path.Join(done, part)
		info, err := r.root.Lstat(at)
		switch {
		case err != nil:
			return at, reason(err)
		case info.Mode()&fs.ModeSymlink != 0:
			to, err := r.root.Readlink(at)
			if links++; err == nil && links > maxLinks {
				err = unix.ELOOP
			}
			if err != nil {
				return at, reason(err)
			}
			if path.IsAbs(to) {
				done = ""
			}
			todo = append(strings.Split(to, "/"), todo...)
		case len(todo) > 0 && !info.IsDir():
			return at, unix.ENOTDIR
		default:
			done = at
		}
	}
	if done == "" {
		done = "."
	}
	return done, nil
}

// stat looks at what a path leads to. With an error the name is what is to blame.
func (r *Root) stat(name string) (at string, info fs.FileInfo, err error) {
	if at, err = r.resolve(name); err != nil {
		return "/" + at, nil, err
	}
	info, err = r.root.Lstat(at)
	return "/" + at, info, reason(err)
}

// open opens a regular file for reading: what is none, such as a fifo, could keep us waiting.
func (r *Root) open(name string) (*os.File, error) {
	at, info, err := r.stat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errNoFile
	}
	f, err := r.root.OpenFile(at[1:], os.O_RDONLY|unix.O_NONBLOCK, 0)
	return f, reason(err)
}

var errNoFile = errors.New("is not a regular file")

// text is what is in a small file, "" where it cannot be read.
func (r *Root) text(name string) string {
	f, err := r.open(name)
	if err != nil {
		return ""
	}
	defer f.Close()
	b, _ := io.ReadAll(io.LimitReader(f, 4<<20))
	return string(b)
}

// names are the entries of a directory, nil where it cannot be read.
func (r *Root) names(dir string) []string {
	at, err := r.resolve(dir)
	if err != nil {
		return nil
	}
	f, err := r.root.Open(at)
	if err != nil {
		return nil
	}
	defer f.Close()
	names, _ := f.Readdirnames(-1)
	return names
}

// reason takes the words of a *PathError away: the path is named by who asks.
func reason(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}
