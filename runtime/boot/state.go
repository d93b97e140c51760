package boot

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"github.com/orderly-init/orderly/internal/durable"
)

// state is the file that the boot loader knows too. Lines that are not ours are kept as they are.
type state struct {
	Slot, Pending, Failed string
	Tries                 int
	rest                  []string
}

// maxState bounds the file: an environment of a boot loader is a few KiB.
const maxState = 64 << 10

// read reads the file. One that is not there yet is that of a machine that has never tried anything: what runs is its slot.
func read(path, running string) (state, error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return state{Slot: running}, nil
	}
	if err != nil {
		return state{}, fmt.Errorf("boot state: %w", err)
	}
	if len(b) > maxState {
		return state{}, fmt.Errorf("boot state %s: more than 64 KiB", path)
	}
	s, err := parse(string(b))
	if err != nil {
		return state{}, fmt.Errorf("boot state %s: %w", path, err)
	}
	return s, nil
}

func parse(text string) (s state, err error) {
	n := 0
	for line := range strings.Lines(text) {
		n++
		line = strings.TrimRight(line, "\r\n")
		name, value, _ := strings.Cut(line, "=")
		switch name {
		case "slot":
			s.Slot = value
		case "pending":
			s.Pending = value
		case "failed":
			s.Failed = value
		case "tries":
			if s.Tries, err = strconv.Atoi(value); err != nil || s.Tries < 0 || s.Tries > maxTries {
				return s, fmt.Errorf("line %d: tries=%q is not a number from 0 to %d", n, value, maxTries)
			}
		default:
			s.rest = append(s.rest, line)
		}
	}
	return s, nil
}

// maxTries is more than anybody would wait for.
const maxTries = 1000

func (s *state) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "slot=%s\npending=%s\ntries=%d\nfailed=%s\n", s.Slot, s.Pending, s.Tries, s.Failed)
	for _, line := range s.rest {
		b.WriteString(line + "\n")
	}
	return b.String()
}

func (s *state) write(path string) error { return durable.Save(path, []byte(s.String()), 0o644) }
