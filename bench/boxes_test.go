package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orderly-init/orderly/cgroups"
)

// The container of the loop in C is the one that Orderly makes: else their times could not be compared.
func TestBoxesAreTheSame(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("makes containers: needs root")
	}
	if _, err := exec.LookPath("cc"); err != nil {
		t.Skipf("the floor is written in C: %v", err)
	}
	if _, err := cgroups.Hierarchy(); err != nil {
		t.Skip(err)
	}
	l, err := open(true)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.close)
	if err := l.makeRoot(); err != nil {
		t.Fatal(err)
	}
	var floor, orderly []string
	err = errors.Join(
		l.withBoxes(1, func(e *engine) (err error) {
			floor, err = l.seen(e, "boxes/"+componentName(0))
			return err
		}),
		l.withContainers(1, "none", func(e *engine) (err error) {
			orderly, err = l.seen(e, "*/"+componentName(0))
			return err
		}),
	)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(floor, orderly); d != "" {
		t.Error(d)
	}
}

// seen is what can be seen of a container from outside, once its program runs, by the first process of its group.
func (l *lab) seen(e *engine, group string) (all []string, err error) {
	if _, err := e.start(); err != nil {
		return nil, err
	}
	if _, _, err := l.fifo.take(1); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, e.stop()) }()
	found, _ := filepath.Glob(filepath.Join(e.group.path, group, "cgroup.procs"))
	if len(found) != 1 {
		return nil, fmt.Errorf("groups of the container: %v", found)
	}
	text, err := os.ReadFile(found[0])
	if err != nil {
		return nil, err
	}
	pid, _, _ := strings.Cut(string(text), "\n")
	if _, err := strconv.Atoi(pid); err != nil {
		return nil, err
	}
	return describe("/proc/" + pid)
}

// describe lists mounts, privileges and devices of a process.
func describe(proc string) (all []string, err error) {
	mounts, err := os.ReadFile(proc + "/mountinfo")
	if err != nil {
		return nil, err
	}
	for line := range strings.Lines(string(mounts)) {
		f := strings.Fields(line) // proc_pid_mountinfo(5): place and options, then behind the dash the type
		all = append(all, fmt.Sprint("mount ", f[4], " ", f[5], " ", f[slices.Index(f, "-")+1]))
	}
	status, err := os.ReadFile(proc + "/status")
	if err != nil {
		return nil, err
	}
	for line := range strings.Lines(string(status)) {
		for _, key := range []string{"Cap", "NoNewPrivs", "Seccomp:", "Umask"} {
			if strings.HasPrefix(line, key) {
				all = append(all, strings.TrimSpace(line))
			}
		}
	}
	devices, err := os.ReadDir(proc + "/root/dev")
	for _, d := range devices {
		all = append(all, fmt.Sprint("device ", d.Name(), " ", d.Type()))
	}
	for _, kind := range []string{"mnt", "pid", "uts", "ipc", "cgroup", "net", "user"} {
		own, _ := os.Readlink(proc + "/ns/" + kind)
		ours, _ := os.Readlink("/proc/self/ns/" + kind)
		all = append(all, fmt.Sprint(kind, " of its own: ", own != ours))
	}
	slices.Sort(all)
	return all, err
}
