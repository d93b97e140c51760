package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/cgroups"
)

// times are those of one round, in milliseconds.
type times struct {
	all  float64 // from the request to the first instruction of the last program
	span float64 // from the first program's first instruction to the last one's
	stop float64
}

func ms(nanoseconds int64) float64 { return float64(nanoseconds) / 1e6 }

// floorRound runs the loop in C once.
func (l *lab) floorRound(n int, kind string) (t times, err error) {
	place, err := cgroups.Hierarchy()
	if err != nil {
		return t, err
	}
	group := filepath.Join(place.Own, "orderly-bench-"+strconv.Itoa(unix.Getpid()))
	cmd := exec.Command(l.floor, group, l.mark, l.fifo.path, strconv.Itoa(n), kind)
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	in, err := cmd.StdinPipe()
	if err != nil {
		return t, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return t, err
	}
	if err := cmd.Start(); err != nil {
		return t, err
	}
	defer func() {
		in.Close()
		if e := cmd.Wait(); err == nil && e != nil {
			err = fmt.Errorf("floor: %w: %s", e, complaints.String())
		}
	}()
	return l.followFloor(bufio.NewReader(out), in, n)
}

// followFloor reads what the loop says between its start and its stop.
func (l *lab) followFloor(out *bufio.Reader, in io.Writer, n int) (t times, err error) {
	begin, err := number(out)
	if err != nil {
		return t, err
	}
	first, last, err := l.fifo.take(n)
	if err != nil {
		return t, err
	}
	if _, err := io.WriteString(in, "stop\n"); err != nil {
		return t, err
	}
	stop, err := number(out)
	return times{all: ms(last - begin), span: ms(last - first), stop: ms(stop)}, err
}

func number(from *bufio.Reader) (int64, error) {
	line, err := from.ReadString('\n')
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(strings.TrimSpace(line), 10, 64)
}
