package logs

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"time"
)

// Query says which lines to read back.
type Query struct {
	Dir   string
	Name  string        // "" is everything
	Last  int           // at most so many, the newest; 0 is all
	Since time.Time     // zero is from the beginning
	After time.Duration // only lines of this boot after this time since boot; 0 is all
}

// Read returns the lines of a query in the order of their time. A file that is being rotated or a line that was
// cut by a loss of power is passed over.
func Read(q Query) ([]Line, error) {
	names := []string{q.Name, Name}
	if q.Name == "" || q.Name == Name {
		names = names[1:]
	}
	if q.Name == "" {
		var err error
		if names, err = logNames(q.Dir); err != nil {
			return nil, err
		}
	}
	var all []Line
	for _, name := range names {
		for _, suffix := range []string{".log.1", ".log"} {
			lines, err := readFile(filepath.Join(q.Dir, name+suffix), name, &q)
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return nil, err
			}
			all = append(all, lines...)
		}
	}
	sort.SliceStable(all, func(i, k int) bool { return all[i].Wall.Before(all[k].Wall) })
	if q.Last > 0 && len(all) > q.Last {
		all = all[len(all)-q.Last:]
	}
	return all, nil
}

// wants gives a line of Orderly's own the name of the component that it is about, and says whether it is asked for.
func (q *Query) wants(l *Line) bool {
	if about, text, ok := strings.Cut(l.Text, ": "); ok && l.Name == Name {
		l.Name, l.Text = about, text
	}
	return (q.Name == "" || l.Name == q.Name) && !l.Wall.Before(q.Since) && l.Mono > q.After
}

func logNames(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var names []string
	for _, e := range entries {
		name := strings.TrimSuffix(strings.TrimSuffix(e.Name(), ".1"), ".log")
		if name != e.Name() && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names, err
}

func readFile(path, name string, q *Query) ([]Line, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var lines []Line
	in := bufio.NewReaderSize(f, 2*MaxLine)
	for {
		b, err := in.ReadSlice('\n')
		if l, ok := parseLine(name, bytes.TrimSuffix(b, []byte{'\n'})); ok && q.wants(&l) {
			lines = append(lines, l)
		}
		if err == io.EOF {
			return lines, nil
		}
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return lines, err
		}
	}
}
