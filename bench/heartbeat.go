package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/orderly-init/orderly/control"
)

// heartbeat takes the processor time that listening costs, of components that beat ten times a second: of the loop in C, and of
// the manager, which judges as well.
func heartbeat(l *lab) ([]row, error) {
	var floor, got []float64
	for range min(l.rounds, 3) {
		used, err := l.beatFloor()
		if err != nil {
			return nil, err
		}
		floor = append(floor, used)
		if used, err = l.beatRound(); err != nil {
			return nil, err
		}
		got = append(got, used)
	}
	name := fmt.Sprintf("%d components beating at 10 Hz", l.count)
	return []row{
		{name: name + ", time per second", unit: "ms", floor: median(floor), got: median(got), goal: goal{ofFloor, 3}},
		{name: "  share of one processor", unit: "%", got: median(got) / 10, goal: goal{atMost, 5}},
	}, nil
}

// beating is a configuration of components that beat.
func (l *lab) beating(n int) string {
	var b strings.Builder
	b.WriteString(l.head())
	writeTarget(&b, n)
	for i := range n {
		fmt.Fprintf(&b, "[component.%s]\ncommand = [%q, %q, \"beat\"]\nheartbeat = { via = \"fd\", window = \"500ms\", min = 3 }\n",
			componentName(i), l.mark, l.fifo.path)
	}
	return b.String()
}

// beatRound is the time that the manager uses, in milliseconds per second. No component may have failed meanwhile.
func (l *lab) beatRound() (used float64, err error) {
	err = l.with(l.beating(l.count), l.count, func(d *daemon) error {
		time.Sleep(2 * time.Second) // what the start itself has left to do
		used, err = l.perSecond(func() (int64, error) { return busy(d.manager) })
		if err != nil {
			return err
		}
		return d.unbroken()
	})
	return used, err
}

// perSecond is how much of a time is used up in a second, in milliseconds.
func (l *lab) perSecond(used func() (int64, error)) (float64, error) {
	begin := now()
	before, err := used()
	if err != nil {
		return 0, err
	}
	time.Sleep(time.Duration(l.quiet) * time.Second)
	after, err := used()
	return ms(after-before) / (float64(now()-begin) / 1e9), err
}

// busy is the processor time of all threads of a process, in nanoseconds (Documentation/scheduler/sched-stats).
func busy(pid int) (sum int64, err error) {
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	if err != nil || len(files) == 0 {
		return 0, fmt.Errorf("threads of %d: none found", pid)
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			return 0, err
		}
		first, _, _ := strings.Cut(string(b), " ")
		n, err := strconv.ParseInt(first, 10, 64)
		if err != nil {
			return 0, err
		}
		sum += n
	}
	return sum, nil
}

// unbroken says whether every component is in its first run.
func (d *daemon) unbroken() error {
	var r control.StatusReply
	if err := d.client.Call("GetStatus", control.NameParam{}, &r); err != nil {
		return err
	}
	for i := range r.Status.Components {
		if c := &r.Status.Components[i]; c.State != "ready" || c.Run != 1 {
			return fmt.Errorf("%s is %s, run %d: %s", c.Name, c.State, c.Run, c.Reason)
		}
	}
	return nil
}

// beatFloor is the time that the loop in C uses, in milliseconds per second.
func (l *lab) beatFloor() (used float64, err error) {
	if err := l.fifo.drain(); err != nil {
		return 0, err
	}
	cmd := exec.Command(l.beats, l.mark, l.fifo.path, strconv.Itoa(l.count))
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	in, err := cmd.StdinPipe()
	if err != nil {
		return 0, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return 0, err
	}
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	defer func() {
		in.Close()
		if e := cmd.Wait(); e != nil {
			err = errors.Join(err, fmt.Errorf("beats: %w: %s", e, complaints.String()))
		}
	}()
	if _, _, err := l.fifo.take(l.count); err != nil {
		return 0, err
	}
	time.Sleep(2 * time.Second)
	lines := bufio.NewReader(out)
	return l.perSecond(func() (int64, error) {
		if _, err := io.WriteString(in, "now\n"); err != nil {
			return 0, err
		}
		return number(lines)
	})
}
