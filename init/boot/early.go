package boot

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// earlyMount is one file system that everything else relies on.
type earlyMount struct {
	kind  string
	point string
	flags uintptr
	data  []string // tried in turn: an older kernel refuses options that it does not know
}

// earlyMounts are in the order in which they are made.
func earlyMounts() []earlyMount {
	const closed = unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC
	return []earlyMount{
		{"proc", "/proc", closed, nil},
		{"sysfs", "/sys", closed, nil},
		{"devtmpfs", "/dev", unix.MS_NOSUID, []string{"mode=0755"}},
		{"devpts", "/dev/pts", unix.MS_NOSUID | unix.MS_NOEXEC, []string{"gid=5,mode=0620,ptmxmode=0666"}},
		{"tmpfs", "/dev/shm", unix.MS_NOSUID | unix.MS_NODEV, []string{"mode=1777"}},
		{"tmpfs", "/run", unix.MS_NOSUID | unix.MS_NODEV, []string{"mode=0755"}},
		{"cgroup2", "/sys/fs/cgroup", closed, []string{"nsdelegate", ""}},
	}
}

func (m earlyMount) String() string {
	return fmt.Sprintf("mount %s on %s", m.kind, m.point)
}

// up makes the mount where there is none. The mount point is made where the parent can be written to.
func (m earlyMount) up() error {
	if mounted(m.point) {
		return nil
	}
	if err := os.MkdirAll(m.point, 0o755); err != nil {
		return fmt.Errorf("%v: %w", m, err)
	}
	options := m.data
	if len(options) == 0 {
		options = []string{""}
	}
	var err error
	for _, data := range options {
		err = unix.Mount(m.kind, m.point, m.kind, m.flags, data)
		if err == nil || err == unix.EBUSY { // EBUSY: it is there (mount(2))
			return nil
		}
	}
	return fmt.Errorf("%v: %w", m, err)
}

// mounted reports whether something is mounted on a directory. Before Linux 5.8 a bind mount of the same file
// system is not seen (statx(2), STATX_ATTR_MOUNT_ROOT).
func mounted(point string) bool {
	var x unix.Statx_t
	err := unix.Statx(unix.AT_FDCWD, point, unix.AT_SYMLINK_NOFOLLOW|unix.AT_NO_AUTOMOUNT, 0, &x)
	if err == nil && x.Attributes_mask&unix.STATX_ATTR_MOUNT_ROOT != 0 {
		return x.Attributes&unix.STATX_ATTR_MOUNT_ROOT != 0
	}
	var here, above unix.Stat_t
	if unix.Lstat(point, &here) != nil || unix.Stat(filepath.Dir(point), &above) != nil {
		return false
	}
	return here.Dev != above.Dev
}

// Early makes of what the kernel started a place where programs can run: file systems, devices, console. It runs as
// PID 1 before anything else, and returns a line for each thing that is not as it should be; the kernel's log has
// them too. In a container that is one line.
func Early() (notes []string) {
	unix.Umask(0)
	note := func(err error) {
		if err != nil {
			notes = append(notes, err.Error())
		}
	}
	note(os.Chdir("/"))
	if ours() {
		note(completeRoot())
	}
	for _, m := range earlyMounts() {
		err := m.up()
		if err != nil && m.point == "/dev" {
			err = errors.Join(err, makeDevices())
		}
		note(err)
	}
	note(linkDevices())
	machine := ours()
	note(openStandard(machine))
	if machine {
		// ctrl-alt-del becomes SIGINT to PID 1 (reboot(2), LINUX_REBOOT_CMD_CAD_OFF)
		note(wrap("ctrl-alt-del", unix.Reboot(unix.LINUX_REBOOT_CMD_CAD_OFF)))
	}
	unix.Umask(0o022)
	return tell(notes, machine)
}

// tell says the notes in the kernel's log, those of a container as one.
func tell(notes []string, machine bool) []string {
	for i, n := range notes {
		notes[i] = strings.ReplaceAll(n, "\n", "; ")
	}
	if !machine && len(notes) > 0 {
		notes = []string{"container: left as it is: " + strings.Join(notes, "; ")}
	}
	for _, n := range notes {
		toKernel(n)
	}
	return notes
}

// wrap puts a subject before an error, where there is one.
func wrap(subject string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", subject, err)
}
