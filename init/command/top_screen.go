package command

import (
	"bytes"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// The terminal while top runs on it: the alternate screen, without a cursor, no echo, a key at a time.
const (
	enterScreen = "\x1b[?1049h\x1b[?25l"
	leaveScreen = "\x1b[?25h\x1b[?1049l"
	homeScreen  = "\x1b[H"
	restOfLine  = "\x1b[K"
	restOfAll   = "\x1b[J"
)

// screen is the terminal that keys come from.
type screen struct {
	file *os.File
	old  *unix.Termios
}

// openScreen opens the terminal anew, so that what is set on the descriptor is not the shell's.
func openScreen() (*screen, error) {
	file, err := os.OpenFile("/dev/tty", os.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	raw, err := file.SyscallConn()
	if err != nil {
		return nil, err
	}
	s := &screen{file: file}
	failed := raw.Control(func(fd uintptr) {
		if s.old, err = unix.IoctlGetTermios(int(fd), unix.TCGETS); err != nil {
			return
		}
		keys := *s.old
		keys.Lflag &^= unix.ICANON | unix.ECHO
		keys.Cc[unix.VSUSP] = 0 // _POSIX_VDISABLE: a stopped top would leave its screen behind
		err = unix.IoctlSetTermios(int(fd), unix.TCSETS, &keys)
	})
	if err == nil {
		err = failed
	}
	if err != nil {
		file.Close()
		return nil, fmt.Errorf("terminal: %w", err)
	}
	fmt.Fprint(os.Stdout, enterScreen)
	return s, nil
}

// close gives the terminal back as it was, and ends the reading of keys.
func (s *screen) close() {
	if raw, err := s.file.SyscallConn(); err == nil {
		raw.Control(func(fd uintptr) { unix.IoctlSetTermios(int(fd), unix.TCSETS, s.old) })
	}
	fmt.Fprint(os.Stdout, leaveScreen)
	s.file.Close()
}

// keys sends the keys until the terminal is closed.
func (s *screen) keys() <-chan byte {
	keys := make(chan byte)
	go func() {
		defer close(keys)
		var one [1]byte
		for {
			if n, err := s.file.Read(one[:]); n != 1 || err != nil {
				return
			}
			keys <- one[0]
		}
	}()
	return keys
}

// liveTop draws the table on the terminal until q, or a signal.
func (o *options) liveTop(f *topFlags) error {
	before, err := o.usage()
	if err != nil {
		return err
	}
	s, err := openScreen()
	if err != nil {
		return err
	}
	keys := s.keys()
	defer func() {
		s.close()
		for range keys { // the reader has ended
		}
	}()
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, unix.SIGINT, unix.SIGTERM, unix.SIGHUP, unix.SIGWINCH)
	defer signal.Stop(signals)
	tick := time.NewTicker(f.interval)
	defer tick.Stop()
	after := before
	for {
		draw(rates(before, after, f.sort))
		select {
		case <-tick.C:
			next, err := o.usage()
			if err != nil {
				return err
			}
			before, after = after, next
		case key, open := <-keys:
			if !open || key == 'q' {
				return nil
			}
			f.key(key)
		case sig := <-signals:
			if sig != unix.SIGWINCH {
				return nil
			}
		}
	}
}

// key is what a key chooses: an order by its first letter.
func (f *topFlags) key(key byte) {
	for _, name := range topSortNames() {
		if name[0] == key {
			f.sort = name
		}
	}
}

// draw writes the whole screen in one go, so that it does not flicker.
func draw(t top) {
	columns, lines := window()
	var table bytes.Buffer
	w := &writer{Writer: &table, color: os.Getenv("NO_COLOR") == ""}
	w.top(&t)
	var out strings.Builder
	out.WriteString(homeScreen)
	for i, line := range strings.Split(strings.TrimSuffix(table.String(), "\n"), "\n") {
		if i >= lines-1 {
			break
		}
		out.WriteString(visible(line, columns) + plain + restOfLine + "\n")
	}
	out.WriteString(restOfAll + visible("q quits; order by c cpu, m memory, t tasks, i io, r restarts, s state, n name", columns))
	fmt.Fprint(os.Stdout, out.String())
}

// visible cuts a line to so many columns; escapes take none.
func visible(line string, columns int) string {
	n, escape := 0, false
	for i, r := range line {
		switch {
		case r == '\x1b':
			escape = true
		case escape:
			escape = r != 'm'
		case n == columns:
			return line[:i]
		default:
			n++
		}
	}
	return line
}

// window is the size of the terminal.
func window() (columns, lines int) {
	ws, err := unix.IoctlGetWinsize(1, unix.TIOCGWINSZ)
	if err != nil || ws.Col == 0 || ws.Row == 0 {
		return 80, 24
	}
	return int(ws.Col), int(ws.Row)
}
