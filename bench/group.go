package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"

	"github.com/orderly-init/orderly/cgroups"
)

// group is a cgroup for one side of a comparison: the kernel sums up there what processes have used that are long gone.
type group struct {
	path string
	dir  *os.File
}

// newGroup makes one below that of the bench.
func newGroup(name string) (*group, error) {
	place, err := cgroups.Hierarchy()
	if err != nil {
		return nil, err
	}
	g := &group{path: filepath.Join(place.Own, "orderly-bench-"+name+"-"+strconv.Itoa(os.Getpid()))}
	if err := os.Mkdir(g.path, 0o755); err != nil {
		return nil, err
	}
	if g.dir, err = os.Open(g.path); err != nil {
		return nil, errors.Join(err, os.Remove(g.path))
	}
	return g, nil
}

// place lets a process begin its life in the group; nil is no group.
func (g *group) place() *syscall.SysProcAttr {
	if g == nil {
		return nil
	}
	return &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: int(g.dir.Fd())}
}

// used is the processor time of all that is or was in it, in milliseconds (cgroups v2, cpu.stat).
func (g *group) used() (float64, error) {
	n, err := field(filepath.Join(g.path, "cpu.stat"), "usage_usec")
	return float64(n) / 1e3, err
}

// remove removes it, with groups below it that nobody is in.
func (g *group) remove() error {
	below, _ := filepath.Glob(g.path + "/*/")
	for _, dir := range below {
		os.Remove(dir)
	}
	if err := errors.Join(g.dir.Close(), os.Remove(g.path)); err != nil {
		return fmt.Errorf("remove the group of a side: %w", err)
	}
	return nil
}
