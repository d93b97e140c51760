package cgroups

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// PressureStat is the pressure stall information of a group (psi in the kernel's documentation): how much of the time its
// processes waited for a resource. nil is a kernel that does not count it.
type PressureStat struct{ CPU, Memory, IO *Pressure }

// Pressure is the share of time in which some process waited, and in which all of them did.
type Pressure struct{ Some, Full Stall }

// Stall is percent of the last 10, 60 and 300 seconds, and the sum of all time.
type Stall struct {
	Avg10, Avg60, Avg300 float64
	Total                time.Duration
}

// Pressure reads that of all resources.
func (t *Tree) Pressure(name string) PressureStat {
	return PressureStat{CPU: t.pressure(name, "cpu"), Memory: t.pressure(name, "memory"), IO: t.pressure(name, "io")}
}

// Of is that of one resource by its name.
func (s PressureStat) Of(resource string) *Pressure {
	switch resource {
	case "cpu":
		return s.CPU
	case "memory":
		return s.Memory
	case "io":
		return s.IO
	}
	return nil
}

func (t *Tree) pressure(name, resource string) *Pressure {
	b, err := t.read(name, resource+".pressure", make([]byte, 0, 256))
	if err != nil || len(b) == 0 {
		return nil
	}
	return parsePressure(string(b))
}

// parsePressure reads lines such as "some avg10=0.12 avg60=0.00 avg300=0.00 total=4711"; those of all processes waiting for a
// processor came with Linux 5.13.
func parsePressure(text string) *Pressure {
	var p Pressure
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) == 0 {
			continue
		}
		to := &p.Some
		if f[0] == "full" {
			to = &p.Full
		}
		for _, field := range f[1:] {
			to.set(field)
		}
	}
	return &p
}

func (s *Stall) set(field string) {
	key, value, _ := strings.Cut(field, "=")
	switch key {
	case "avg10":
		s.Avg10 = percent(value)
	case "avg60":
		s.Avg60 = percent(value)
	case "avg300":
		s.Avg300 = percent(value)
	case "total":
		s.Total = micro(after(value, ""))
	}
}

func percent(text string) float64 {
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || !(f >= 0 && f <= 100) {
		return 0
	}
	return f
}

// Trigger is a pressure that is to be told of: so much stall in a window of time.
type Trigger struct {
	Resource      string // "cpu", "memory", "io"
	Full          bool   // all processes waited, not only some
	Stall, Window time.Duration
}

// String is the trigger as it is written into the kernel's file, in microseconds.
func (p Trigger) String() string {
	kind := "some"
	if p.Full {
		kind = "full"
	}
	return fmt.Sprintf("%s %d %d", kind, p.Stall.Microseconds(), p.Window.Microseconds())
}

// Trigger arms one and returns a descriptor that has a priority event (POLLPRI) each time, at most once in a window. It is the
// caller's; closing it disarms. When the group is gone it has an error event (POLLERR) for ever.
func (t *Tree) Trigger(name string, p Trigger) (fd int, err error) {
	path := name + "/" + p.Resource + ".pressure"
	fd, err = unix.Openat(t.fd, path, unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err == nil {
		if _, err = unix.Write(fd, append([]byte(p.String()), 0)); err != nil {
			unix.Close(fd)
		}
	}
	if err != nil {
		return -1, fmt.Errorf("write %s.pressure of %s: %w", p.Resource, name, reason(err))
	}
	return fd, nil
}

// Gone says whether the group of a Trigger's descriptor is no longer there.
func Gone(fd int) bool {
	fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLPRI}}
	n, err := unix.Poll(fds, 0)
	return err == nil && n > 0 && fds[0].Revents&unix.POLLERR != 0
}
