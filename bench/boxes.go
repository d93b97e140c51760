package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// containers starts containers with five namespaces and an overlay, one and many at once, beside a loop in C that makes the
// system calls alone. Neither side has a filter of system calls; what that adds is a line of its own.
func containers(l *lab) ([]row, error) {
	if err := l.makeRoot(); err != nil {
		return nil, err
	}
	one, err := l.boxRows(1, l.starts)
	if err != nil {
		return nil, err
	}
	filtered, err := l.filteredRow()
	if err != nil {
		return nil, err
	}
	many, err := l.boxRows(l.crowd, l.rounds)
	if err != nil {
		return nil, err
	}
	memory, err := l.boxMemory(2 * l.crowd)
	return append(append(append(one, filtered), many...), memory), err
}

// makeRoot is the root that lies below all overlays: the program, and where a container's file systems are mounted.
func (l *lab) makeRoot() error {
	program, err := os.ReadFile(l.mark)
	if err != nil {
		return err
	}
	for _, dir := range []string{"root/dev", "root/proc", "root/sys", "scratch"} {
		if err := os.MkdirAll(l.path(dir), 0o755); err != nil {
			return err
		}
	}
	return os.WriteFile(l.path("root/mark"), program, 0o755)
}

// boxed is a configuration of n containers. Their program is the first process of a PID namespace, which heeds no other signal.
func (l *lab) boxed(n int, seccomp string) string {
	var b strings.Builder
	b.WriteString(l.head())
	writeTarget(&b, n)
	fmt.Fprintf(&b, `[template.box]
command = ["/mark", "/proc/self/fd/1"]
stop_signal = "KILL"
output = { stdout = %q }
security = { seccomp = %q }
[template.box.container]
rootfs = %q
overlay = "tmpfs"
namespaces = ["mount", "pid", "uts", "ipc", "cgroup"]
`, "file:"+l.fifo.path, seccomp, l.path("root"))
	for i := range n {
		fmt.Fprintf(&b, "[component.%s]\ntemplate = \"box\"\n", componentName(i))
	}
	return b.String()
}

// cost is what a start has taken: time to the first instruction of the last program, and with its stop processor time.
type cost struct{ start, used float64 }

// engine starts a number of containers and stops them again.
type engine struct {
	start func() (begin int64, err error)
	stop  func() error
	group *group
}

// boxRows compares starts of n containers at once; the two sides take turns.
func (l *lab) boxRows(n, rounds int) (rows []row, err error) {
	var floor, orderly []cost
	err = l.withBoxes(n, func(f *engine) error {
		return l.withContainers(n, "none", func(o *engine) error {
			for range rounds {
				for _, side := range []struct {
					*engine
					to *[]cost
				}{{f, &floor}, {o, &orderly}} {
					c, err := l.boxRound(side.engine, n)
					if err != nil {
						return err
					}
					*side.to = append(*side.to, c)
				}
			}
			return nil
		})
	})
	name := "start of a container"
	if n > 1 {
		name = fmt.Sprintf("start of %d containers at once", n)
	}
	return []row{
		{name: name, unit: "ms", floor: medianOf(floor, started), got: medianOf(orderly, started), goal: goal{ofFloor, 2}},
		{name: "  processor time, with the stop", unit: "ms", floor: medianOf(floor, consumed), got: medianOf(orderly, consumed)},
	}, err
}

func started(c cost) float64  { return c.start }
func consumed(c cost) float64 { return c.used }

func medianOf(list []cost, what func(cost) float64) float64 {
	var values []float64
	for _, c := range list {
		values = append(values, what(c))
	}
	return median(values)
}

// filteredRow is one container with the filter of system calls that it has unless the configuration says otherwise.
func (l *lab) filteredRow() (row, error) {
	var list []cost
	err := l.withContainers(1, "default", func(o *engine) error {
		for range l.starts {
			c, err := l.boxRound(o, 1)
			if err != nil {
				return err
			}
			list = append(list, c)
		}
		return nil
	})
	return row{name: "  with the default filter of system calls", unit: "ms", got: medianOf(list, started)}, err
}

// boxRound is one start and one stop.
func (l *lab) boxRound(e *engine, n int) (c cost, err error) {
	before, err := e.group.used()
	if err != nil {
		return c, err
	}
	begin, err := e.start()
	if err != nil {
		return c, err
	}
	_, last, err := l.fifo.take(n)
	if err != nil {
		return c, err
	}
	if err := e.stop(); err != nil {
		return c, err
	}
	after, err := e.group.used()
	return cost{start: ms(last - begin), used: after - before}, err
}

// withContainers runs f on a daemon with n containers, none of which runs.
func (l *lab) withContainers(n int, seccomp string, f func(*engine) error) (err error) {
	g, err := newGroup("orderly")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, g.remove()) }()
	d, err := l.startIn(l.boxed(n, seccomp), g)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.end()) }()
	return f(&engine{
		start: func() (int64, error) { begin := now(); return begin, d.activate("all") },
		stop:  func() error { return d.activate("idle") },
		group: g,
	})
}

// withBoxes runs f on the loop in C.
func (l *lab) withBoxes(n int, f func(*engine) error) (err error) {
	g, err := newGroup("floor")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, g.remove()) }()
	cmd := exec.Command(l.boxes, filepath.Join(g.path, "boxes"), l.path("root"), l.path("scratch"), l.fifo.path)
	cmd.SysProcAttr = g.place()
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	in, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	defer func() {
		in.Close()
		if e := cmd.Wait(); e != nil {
			err = errors.Join(err, fmt.Errorf("boxes: %w: %s", e, complaints.String()))
		}
	}()
	lines := bufio.NewReader(out)
	say := func(n int) (int64, error) {
		if _, err := fmt.Fprintln(in, n); err != nil {
			return 0, err
		}
		return number(lines)
	}
	return f(&engine{
		start: func() (int64, error) { return say(n) },
		stop:  func() error { _, err := say(0); return err },
		group: g,
	})
}

// boxMemory is what the manager needs for each container that runs, beyond its own program.
func (l *lab) boxMemory(n int) (r row, err error) {
	d, err := l.start(l.boxed(n, "default"))
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, d.end()) }()
	time.Sleep(time.Second)
	before, err := unfiled(d.manager)
	if err != nil {
		return r, err
	}
	if err := d.activate("all"); err != nil {
		return r, err
	}
	if _, _, err := l.fifo.take(n); err != nil {
		return r, err
	}
	time.Sleep(time.Second)
	after, err := unfiled(d.manager)
	return row{name: fmt.Sprintf("memory of the manager for a container, of %d", n), unit: "KB",
		got: float64(after-before) * 1.024 / float64(n), goal: goal{atMost, 20}}, err
}

// unfiled is the memory of a process that is of no file, in KiB: shared pages divided among those who share them.
func unfiled(pid int) (sum int, err error) {
	for _, key := range []string{"Pss_Anon:", "Pss_Shmem:"} {
		n, err := field(fmt.Sprintf("/proc/%d/smaps_rollup", pid), key)
		if err != nil {
			return 0, err
		}
		sum += n
	}
	return sum, nil
}
