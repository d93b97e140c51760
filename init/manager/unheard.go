package manager

import (
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/supervisor"
)

// tellUnheard says why a container will not end by a signal: the kernel drops what the first process of a PID namespace has no
// handler for (pid_namespaces(7)).
func (m *Manager) tellUnheard(u *unit, sig int) {
	c := u.def.Container
	if c == nil || c.Init || !slices.Contains(c.Namespaces, "pid") || u.main.pid == 0 || sig == int(unix.SIGKILL) {
		return
	}
	if b, err := os.ReadFile("/proc/" + itoa(int(u.main.pid)) + "/status"); err == nil && !hears(string(b), sig) {
		m.complain(u, supervisor.SignalName(sig)+" does not reach the first process of a PID namespace, which has no handler for it; write container.init = true")
	}
}

// hears reports whether a process has a handler for a signal, or blocks it to look for it, by proc_pid_status(5).
func hears(status string, sig int) bool {
	for line := range strings.Lines(status) {
		key, value, _ := strings.Cut(line, ":")
		if key != "SigBlk" && key != "SigCgt" {
			continue
		}
		set, err := strconv.ParseUint(strings.TrimSpace(value), 16, 64)
		if err != nil || set>>(sig-1)&1 != 0 {
			return true
		}
	}
	return false
}
