package manager

import (
	"bytes"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/runtime"
	"github.com/orderly-init/orderly/supervisor"
)

// Without cgroups a process that has left its session and lost its parent is a child of the keeper, like the main
// processes. The environment that it was given says whose it is, unless it has wiped that out.

// strays are the children of the keeper that belong to a component by their environment.
func (m *Manager) strays(u *unit) []int {
	keeper := itoa(os.Getppid())
	b, err := os.ReadFile("/proc/" + keeper + "/task/" + keeper + "/children")
	if err != nil {
		return nil
	}
	mark := []byte("ORDERLY_COMPONENT=" + u.name + "\x00")
	var found []int
	for _, field := range strings.Fields(string(b)) {
		env, err := os.ReadFile("/proc/" + field + "/environ")
		if err != nil || !bytes.HasPrefix(env, mark) && !bytes.Contains(env, append([]byte{0}, mark...)) {
			continue
		}
		if pid, err := strconv.Atoi(field); err == nil {
			found = append(found, pid)
		}
	}
	return found
}

// scattered lists the processes of a component that no cgroup holds together: the session of its main process and
// what that has started, the strays, and what those have started.
func (m *Manager) scattered(u *unit) []int {
	var pids []int
	seen := map[int]bool{}
	for _, root := range append(m.strays(u), int(u.leader)) {
		if root == 0 {
			continue
		}
		tree, _ := runtime.Descendants(root)
		for _, p := range tree {
			if !seen[p.PID] && !p.Dead && !m.forgone[p.PID] {
				seen[p.PID] = true
				pids = append(pids, p.PID)
			}
		}
	}
	return pids
}

// forgetLeader forgets the main process of a run that is over, for the next manager too: another process may have the number by now.
func (m *Manager) forgetLeader(u *unit) {
	u.leader = 0
	if record, ok := m.table.Find(supervisor.ComponentRecord, u.name); ok && u.main == nil && m.byName[u.name] == u {
		m.slot(record).Pid = 0
	}
}

// killScattered kills them, and looks again for what was started meanwhile.
func (m *Manager) killScattered(u *unit) error {
	if u.leader == 0 {
		return nil
	}
	err := runtime.KillTree(int(u.leader))
	for range 20 {
		rest := m.scattered(u)
		for _, pid := range rest {
			unix.Kill(pid, unix.SIGKILL)
		}
		if len(rest) == 0 {
			break
		}
	}
	return err
}
