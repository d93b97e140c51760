package runtime

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// Descendants are the processes that live and belong to the one that was
// started as pid: itself, all in the session that it founded, and whatever
// these started, in the order of their pids. It serves hosts without cgroup
// v2. What left the session and has lost its parent is not found.
//
// The pid of a session's founder is not used again while the session has a
// member, so this is right even where pid has been reaped; but whether pid
// itself is still the same process is for the caller to know.
func Descendants(pid int) ([]Process, error) {
	all, err := processes()
	if err != nil {
		return nil, err
	}
	return belonging(all, pid), nil
}

// belonging goes round until nothing is added: a child may have a lower pid
// than its parent, once pids have wrapped.
func belonging(all []Process, pid int) []Process {
	in := map[int]bool{pid: true}
	for grown := true; grown; {
		grown = false
		for _, p := range all {
			if !in[p.PID] && (in[p.Parent] || p.Session == pid) {
				in[p.PID], grown = true, true
			}
		}
	}
	return slices.DeleteFunc(all, func(p Process) bool { return !in[p.PID] || p.Dead })
}

func processes() ([]Process, error) {
	dir, err := os.Open("/proc")
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return nil, fmt.Errorf("list processes: %w", err)
	}
	var all []Process
	for _, name := range names {
		pid, err := strconv.Atoi(name)
		if err != nil {
			continue
		}
		p, err := lookAt(pid)
		if gone(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	slices.SortFunc(all, func(a, b Process) int { return cmp.Compare(a.PID, b.PID) })
	return all, nil
}

func lookAt(pid int) (Process, error) {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return Process{}, err
	}
	return parseStat(string(b))
}

// Dead says whether a process has ended, also where it has not been reaped yet.
func Dead(pid int) bool {
	p, err := lookAt(pid)
	return err != nil || p.Dead
}

// Parent is the parent of a process, 0 where it is gone.
func Parent(pid int) int {
	p, err := lookAt(pid)
	if err != nil {
		return 0
	}
	return p.Parent
}

// Kernel says whether a process is a thread of the kernel.
func Kernel(pid int) bool {
	p, err := lookAt(pid)
	return err == nil && p.Kernel
}

// gone: the process ended before its file was opened, or before it was read.
func gone(err error) bool { return errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ESRCH) }

// killRounds bounds KillTree against a tree that grows as fast as it is cut.
const killRounds = 50

// KillTree kills what Descendants finds. It stops all of it first, until no
// more is found: the child of one that is killed while it forks would lose its
// parent and with that be lost to us. What is stopped does not fork, for a fork
// fails once a signal is pending. It does not wait for their end.
func KillTree(pid int) error {
	tree, err := freeze(pid)
	for _, p := range tree {
		if e := toSame(p, unix.SIGKILL); !gone(e) {
			err = errors.Join(err, e)
		}
	}
	if err != nil {
		return fmt.Errorf("kill the tree of %d: %w", pid, err)
	}
	return nil
}

// freeze stops what belongs to pid. With an error the list is what was found.
func freeze(pid int) ([]Process, error) {
	var stopped []Process
	for range killRounds {
		found, err := Descendants(pid)
		if err != nil {
			return stopped, err
		}
		fresh := slices.DeleteFunc(found, func(p Process) bool { return slices.ContainsFunc(stopped, p.same) })
		if len(fresh) == 0 {
			return stopped, nil
		}
		stopped = append(stopped, fresh...)
		for _, p := range fresh {
			if err := toSame(p, unix.SIGSTOP); err != nil && !gone(err) {
				return stopped, err
			}
		}
	}
	return stopped, fmt.Errorf("still growing after %d rounds", killRounds)
}

// toSame signals p if it is still what it was when it was listed.
func toSame(p Process, sig syscall.Signal) error {
	return Signal(p.PID, sig, func() bool {
		now, err := lookAt(p.PID)
		return err == nil && now.same(p)
	})
}
