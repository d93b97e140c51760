package manager

import (
	"bytes"
	"os"

	"github.com/orderly-init/orderly/control"
	"github.com/orderly-init/orderly/init/poll"
)

// dumping is what there is to say while the kernel writes the core of a main process, which has not ended until that is done; "" else.
// Only who asks about one component makes us look.
func dumping(u *unit) string {
	if u == nil || u.main == nil || u.main.pid == 0 {
		return ""
	}
	status, err := os.ReadFile("/proc/" + itoa(int(u.main.pid)) + "/status")
	if err != nil || !dumps(status) {
		return ""
	}
	return "its core is being written"
}

// dumps reads proc_pid_status(5), where a name has no newline of its own.
func dumps(status []byte) bool { return bytes.Contains(status, []byte("\nCoreDumping:\t1\n")) }

// withDumping adds that to what is said of a component.
func withDumping(c *control.Component, u *unit) {
	switch text := dumping(u); {
	case text == "":
	case c.Reason == "":
		c.Reason = text
	default:
		c.Reason = text + "; " + c.Reason
	}
}

// causes are why a component is as it is.
func (m *Manager) causes(u *unit) []string {
	all := m.machine.Why(poll.Now(), u.number)
	if text := dumping(u); text != "" {
		all = append(all, u.name+": "+text)
	}
	return all
}
