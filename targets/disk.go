package targets

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// ReadSources reads configuration files from the disk. A path is a file, or a directory of which all *.toml are
// read in byte order and then all *.d/*.toml; names that begin with a dot are left out. Each path is a layer, a
// later one overrides. Of DefaultDirs any may be missing, another path may not. What cannot be read is a problem
// and the rest is read all the same. It never blocks on a fifo or device, and its memory is bounded.
func ReadSources(paths ...string) ([]Source, Problems) {
	var d disk
	for layer, path := range paths {
		d.layer = layer
		d.path(path)
	}
	if len(d.sources) == 0 && len(d.problems) == 0 {
		d.problems = Problems{{What: "no *.toml file in " + strings.Join(paths, ", ")}}
	}
	return d.sources, d.problems.tidy()
}

// disk collects what was read.
type disk struct {
	full     bool // no more is read
	layer    int
	total    int
	sources  []Source
	problems Problems
}

func (d *disk) problem(path, what string) {
	d.problems = append(d.problems, Problem{File: path, What: what})
}

func (d *disk) path(path string) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) && slices.Contains(DefaultDirs(), path) {
		return
	}
	if err != nil {
		d.problem(path, reason(err))
		return
	}
	if !info.IsDir() {
		d.file(path, false)
		return
	}
	names := d.names(path)
	for _, name := range names {
		if strings.HasSuffix(name, ".toml") {
			d.file(filepath.Join(path, name), false)
		}
	}
	for _, name := range names {
		if strings.HasSuffix(name, ".d") {
			d.dropIns(filepath.Join(path, name))
		}
	}
}

func (d *disk) dropIns(dir string) {
	info, err := os.Stat(dir)
	if err != nil {
		d.problem(dir, reason(err))
		return
	}
	if !info.IsDir() {
		return
	}
	for _, name := range d.names(dir) {
		if strings.HasSuffix(name, ".toml") {
			d.file(filepath.Join(dir, name), true)
		}
	}
}

// names lists a directory in byte order, without hidden files.
func (d *disk) names(dir string) []string {
	entries, err := os.ReadDir(dir)
	if err != nil {
		d.problem(dir, reason(err))
	}
	var names []string
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), ".") {
			names = append(names, e.Name())
		}
	}
	slices.Sort(names)
	return names
}

func (d *disk) file(path string, dropIn bool) {
	if d.full {
		return // said once: there may be a hundred thousand more
	}
	if len(d.sources) == maxFiles {
		d.full = true
		d.problem(path, fmt.Sprintf("not read: more than %d files", maxFiles))
		return
	}
	data, err := readRegular(path)
	if err != nil {
		d.problem(path, reason(err))
		return
	}
	if d.total += len(data); d.total > maxTotal {
		d.full = true
		d.problem(path, fmt.Sprintf("not read: all files together are larger than %d MiB", maxTotal>>20))
		return
	}
	d.sources = append(d.sources, Source{Path: path, Data: data, Layer: d.layer, DropIn: dropIn})
}

// readRegular reads a whole regular file. O_NONBLOCK makes the open of a fifo or terminal return at once (open(2));
// for a regular file it means nothing.
func readRegular(path string) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_NOCTTY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("not a regular file")
	}
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(data) > maxFile {
		err = fmt.Errorf("larger than %d MiB", maxFile>>20)
	}
	return data, err
}

// reason is an error without the path that the problem names already.
func reason(err error) string {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Op + ": " + pe.Err.Error()
	}
	return err.Error()
}
