package boot

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/targets"
)

// Options are what Up is given: the [system] table, and what it may use.
type Options struct {
	System         targets.System
	StateDirectory string                                                         // "" is the default one
	Built          time.Time                                                      // the clock is not before it; zero is unknown
	Run            func(ctx context.Context, argv []string) (exit int, err error) // runs a program to its end
	Mount          func(ctx context.Context, m targets.Mount) error               // mounts, with the mount point, in a process of its own
	Loaded         func()                                                         // called when the kernel modules are there; nil is nothing
	Say            func(level targets.Level, text string)
}

// The limits of what the kernel is asked for. A file system may have a journal to replay, a driver firmware to load.
const (
	settingLimit = 5 * time.Second
	moduleLimit  = 30 * time.Second
	mountLimit   = 90 * time.Second
	fsckLimit    = 5 * time.Minute
	deviceLimit  = 10 * time.Second
)

// up is one bringing up.
type up struct {
	Options
	ctx     context.Context
	machine bool // not a container
	notes   []string
}

// upStep is one part of it. Those of the machine are left out in a container, where they are the host's.
type upStep struct {
	name    string
	machine bool
	do      func(*up)
}

// upSteps are in the order in which they are made. The clock comes before file systems are checked: a check takes a
// last mount in the future for damage.
func upSteps() []upStep {
	return []upStep{
		{"kernel command line", true, (*up).commandLine},
		{"host name", false, (*up).hostname},
		{"loopback", false, (*up).loopback},
		{"clock", true, (*up).clock},
		{"kernel modules", true, (*up).modules},
		{"what waits for modules", true, (*up).loaded},
		{"sysctl", false, (*up).sysctl},
		{"mounts", false, (*up).mounts},
		{"machine id", false, (*up).machineID},
		{"random seed", true, (*up).seed},
		{"last end", true, (*up).lastEnd},
	}
}

// Up sets the machine up as [system] says, once per boot, before the first target. It is slow and has no place in a
// loop. What fails is said once and returned as a line, and the rest goes on.
func Up(ctx context.Context, o Options) (notes []string) {
	u := &up{Options: o, ctx: ctx, machine: ours()}
	for _, s := range upSteps() {
		if ctx.Err() != nil {
			u.fail(s.name, ctx.Err())
			break
		}
		if s.machine && !u.machine {
			continue
		}
		s.do(u)
	}
	if !u.machine && len(o.System.Modules) > 0 {
		u.note(targets.Info, "kernel modules: left to the host of this container")
	}
	return u.notes
}

// note says and keeps a line.
func (u *up) note(level targets.Level, text string) {
	u.notes = append(u.notes, text)
	u.Say(level, text)
}

// fail is a note where there is an error.
func (u *up) fail(what string, err error) {
	if err != nil {
		u.note(targets.Error, what+": "+err.Error())
	}
}

func (u *up) commandLine() {
	if _, ignored := parseCommandLine(commandLine()); len(ignored) > 0 {
		u.note(targets.Warning, "kernel command line: ignored: "+strings.Join(ignored, " "))
	}
}

// hostname is that of the configuration, else that of /etc/hostname (hostname(5)), else the kernel's.
func (u *up) hostname() {
	name := u.System.Hostname
	if name == "" {
		b, _ := os.ReadFile("/etc/hostname")
		name = firstLine(string(b))
	}
	if name != "" {
		u.fail("host name "+name, unix.Sethostname([]byte(name)))
	}
}

// firstLine is the first line that is neither empty nor a comment.
func firstLine(text string) string {
	for l := range strings.Lines(text) {
		if l = strings.TrimSpace(l); l != "" && l[0] != '#' {
			return l
		}
	}
	return ""
}

// loopback brings up lo; the kernel then gives it its addresses.
func (u *up) loopback() { u.fail("loopback", bounded(settingLimit, raiseLoopback)) }

// raiseLoopback sets one flag (netdevice(7)).
func raiseLoopback() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return os.NewSyscallError("socket", err)
	}
	defer unix.Close(fd)
	lo, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	if err := unix.IoctlIfreq(fd, unix.SIOCGIFFLAGS, lo); err != nil {
		return os.NewSyscallError("SIOCGIFFLAGS", err)
	}
	if lo.Uint16()&unix.IFF_UP != 0 {
		return nil
	}
	lo.SetUint16(lo.Uint16() | unix.IFF_UP)
	return os.NewSyscallError("SIOCSIFFLAGS", unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, lo))
}

// clock is for boards whose clock starts at 1970: it is not before the binary was made.
func (u *up) clock() {
	if !time.Now().Before(u.Built) {
		return
	}
	at := unix.NsecToTimespec(u.Built.UnixNano())
	if err := unix.ClockSettime(unix.CLOCK_REALTIME, &at); err != nil {
		u.fail("clock", err)
		return
	}
	u.note(targets.Info, "clock: set to when this binary was made, "+u.Built.UTC().Format(time.RFC3339))
}

func (u *up) loaded() {
	if u.Loaded != nil {
		u.Loaded()
	}
}

func (u *up) sysctl() {
	for _, s := range u.System.Sysctl {
		u.fail("sysctl "+s.Key, bounded(settingLimit, func() error { return setKernel(s) }))
	}
}

// setKernel writes one kernel setting. Writing does not create: a name that the kernel does not have is an error.
func setKernel(s targets.Setting) error {
	return writeTo(SysctlPath(s.Key), []byte(s.Value+"\n"))
}

// writeTo writes to a file that is there, in one call.
func writeTo(path string, b []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	return errors.Join(err, f.Close())
}

// SysctlPath is where a setting is. Whichever of dot and slash comes first separates, and the other one stands for
// the first within a part (sysctl.d(5)): net.ipv4.conf.eth0/1.forwarding is that of eth0.1.
func SysctlPath(key string) string {
	if i := strings.IndexAny(key, "./"); i >= 0 && key[i] == '.' {
		key = strings.Map(func(r rune) rune {
			switch r {
			case '.':
				return '/'
			case '/':
				return '.'
			}
			return r
		}, key)
	}
	return filepath.Join("/proc/sys", filepath.Join("/", key))
}

// run runs a program to its end, within a limit.
func (u *up) run(limit time.Duration, argv []string) (exit int, err error) {
	ctx, cancel := context.WithTimeout(u.ctx, limit)
	defer cancel()
	return u.Run(ctx, argv)
}

// find is where a program of the system is.
func find(names ...string) (path string, err error) {
	for _, name := range names {
		for _, dir := range []string{"/sbin", "/usr/sbin", "/bin", "/usr/bin"} {
			if path := filepath.Join(dir, name); executable(path) {
				return path, nil
			}
		}
	}
	return "", fmt.Errorf("%s: not found", strings.Join(slices.Compact(names), " or "))
}
