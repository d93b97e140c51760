package cgroups

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// read reads a small file of a group.
func (t *Tree) read(name, file string, into []byte) ([]byte, error) {
	path := filepath.Join(name, file)
	fd, err := unix.Openat(t.fd, path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, t.failed("open", path, err)
	}
	defer unix.Close(fd)
	for {
		n, err := unix.Read(fd, into[len(into):cap(into)])
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return nil, t.failed("read", path, err)
		}
		if n == 0 {
			return into, nil
		}
		into = into[:len(into)+n]
		if len(into) == cap(into) {
			into = append(into, 0)[:len(into)]
		}
	}
}

func (t *Tree) write(name, file, value string) error {
	path := filepath.Join(name, file)
	fd, err := unix.Openat(t.fd, path, unix.O_WRONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return t.failed("open", path, err)
	}
	defer unix.Close(fd)
	_, err = unix.Write(fd, []byte(value))
	return t.failed("write", path, err)
}

// Populated reports whether any process is in the group or below it. A group that is not there has none.
func (t *Tree) Populated(name string) (bool, error) {
	var buf [128]byte
	b, err := t.read(name, "cgroup.events", buf[:0])
	if missing(err) {
		return false, nil
	}
	return bytes.Contains(b, []byte("populated 1")), err
}

// Kill kills every process in the group and below it, at once (cgroup.kill, Linux 5.14; before that one by one
// until none is left, bounded).
func (t *Tree) Kill(name string) error {
	delete(t.sound, name)
	err := t.write(name, "cgroup.kill", "1")
	if !missing(err) {
		return err
	}
	for range 16 {
		pids, err := t.Processes(name)
		if err != nil || len(pids) == 0 {
			return err
		}
		for _, pid := range pids {
			unix.Kill(pid, unix.SIGKILL)
		}
	}
	return nil
}

// Freeze stops or continues every process of the group.
func (t *Tree) Freeze(name string, frozen bool) error {
	value := "0"
	if frozen {
		value = "1"
	}
	return t.write(name, "cgroup.freeze", value)
}

// Move moves a process, with all its threads, into a group.
func (t *Tree) Move(name string, pid int) error {
	return t.write(name, "cgroup.procs", strconv.Itoa(pid))
}

// Move moves a process, with all its threads, into the group of a directory.
func Move(dir string, pid int) error {
	return os.WriteFile(filepath.Join(dir, "cgroup.procs"), []byte(strconv.Itoa(pid)), 0)
}

// Frozen says whether every process of the group is frozen, by its own cgroup.freeze or one above it (cgroup.events).
func (t *Tree) Frozen(name string) (bool, error) {
	b, err := t.read(name, "cgroup.events", make([]byte, 0, 64))
	return bytes.Contains(b, []byte("frozen 1")), err
}

// Processes lists the processes of the group and below it.
func (t *Tree) Processes(name string) ([]int, error) {
	b, err := t.read(name, "cgroup.procs", make([]byte, 0, 4096))
	if missing(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var pids []int
	for _, field := range strings.Fields(string(b)) {
		if pid, err := strconv.Atoi(field); err == nil && pid > 0 { // 0 is a process of another pid namespace
			pids = append(pids, pid)
		}
	}
	for _, sub := range t.below(name) {
		more, _ := t.Processes(filepath.Join(name, sub))
		pids = append(pids, more...)
	}
	return pids, nil
}

func (t *Tree) below(name string) []string {
	sub := Tree{Path: filepath.Join(t.Path, name)}
	names, _ := sub.Names()
	return names
}

// CPU is the processor time that the group has used, living and dead processes.
func (t *Tree) CPU(name string) (time.Duration, error) {
	b, err := t.read(name, "cpu.stat", make([]byte, 0, 512))
	if err != nil {
		return 0, err
	}
	for _, line := range strings.Split(string(b), "\n") {
		if v, ok := strings.CutPrefix(line, "usage_usec "); ok {
			us, err := strconv.ParseInt(v, 10, 64)
			return time.Duration(us) * time.Microsecond, err
		}
	}
	return 0, nil
}

// Memory is what the group uses in bytes: memory.current where that controller is on, else the resident pages of
// its processes, shared ones counted in each.
func (t *Tree) Memory(name string) (int64, error) {
	b, err := t.read(name, "memory.current", make([]byte, 0, 64))
	if err == nil {
		return strconv.ParseInt(strings.TrimSpace(string(b)), 10, 64)
	}
	pids, err := t.Processes(name)
	var sum int64
	for _, pid := range pids {
		sum += Resident(pid)
	}
	return sum, err
}

// missing reports that the group, or the file in it, is not there.
func missing(err error) bool { return isErrno(err, unix.ENOENT) || isErrno(err, unix.ENODEV) }
