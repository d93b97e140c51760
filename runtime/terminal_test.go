package runtime

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestTerminal(t *testing.T) {
	needs(t, "/bin/sh", "/dev/ptmx")
	flavours(t, func(t *testing.T, f Flavour) {
		want := "controlled\nterminal terminal terminal\n" + "controlled\nfile terminal file\n" + "controlled\nfile file file\n"
		if out := tree(t, "pty", f, "").Out; out != want {
			t.Errorf("got:\n%swant:\n%s", out, want)
		}
	})
}

// terminal gives the process all, some and none of 0 to 2. One terminal
// serves all three: each session ends before the next begins.
func terminal(m *manager) error {
	null, err := os.OpenFile("/dev/null", os.O_RDWR, 0)
	if err != nil {
		return err
	}
	fd := int(null.Fd())
	for _, files := range [][]File{nil, {{0, fd}, {2, fd}}, {{0, fd}, {1, fd}, {2, fd}}} {
		if err := onTerminal(m, files); err != nil {
			return err
		}
	}
	return nil
}

func onTerminal(m *manager, files []File) error {
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		return err
	}
	defer master.Close()
	fd := int(master.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		return err
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		return err
	}
	const script = "exec 9>/dev/tty; echo controlled >&9; for n in 0 1 2; do if [ -t $n ]; then echo terminal >&9; else echo file >&9; fi; done"
	path := fmt.Sprintf("/dev/pts/%d", n)
	// While one has the other side open the master does not give EIO, pty(7).
	other, err := os.OpenFile(path, os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		return err
	}
	defer other.Close()
	s := Spec{Path: "/bin/sh", Args: []string{"sh", "-c", script}, Files: files, Terminal: path}
	if err := m.start(s); err != nil {
		return err
	}
	r := bufio.NewReader(master)
	var lines []string
	for range 4 {
		line, err := r.ReadString('\n')
		if err != nil {
			return fmt.Errorf("the terminal got %q: %w", lines, err)
		}
		lines = append(lines, strings.TrimSpace(line))
	}
	fmt.Println(lines[0])
	fmt.Println(strings.Join(lines[1:], " "))
	return nil
}
