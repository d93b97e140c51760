package boot

import (
	"os"
	"slices"
	"strconv"
	"strings"
)

// mounting is one line of /proc/self/mountinfo (proc_pid_mountinfo(5)).
type mounting struct {
	id, parent int
	point      string
	kind       string
	source     string
	readOnly   bool // of the file system, not of this place alone
}

// readMounts is what is mounted, in the kernel's order.
func readMounts() []mounting {
	b, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil
	}
	return parseMounts(string(b))
}

// parseMounts reads mountinfo. A line that is none is left out: one odd mount must not keep the others mounted.
func parseMounts(text string) []mounting {
	var all []mounting
	for l := range strings.Lines(text) {
		if m, ok := parseMount(l); ok {
			all = append(all, m)
		}
	}
	return all
}

// parseMount reads "ID PARENT MAJOR:MINOR ROOT POINT OPTIONS [TAG...] - TYPE SOURCE OPTIONS".
func parseMount(text string) (mounting, bool) {
	here, there, ok := strings.Cut(text, " - ")
	f, g := strings.Split(here, " "), strings.Split(strings.TrimSuffix(there, "\n"), " ")
	if !ok || len(f) < 6 || len(g) < 3 {
		return mounting{}, false
	}
	id, err := strconv.Atoi(f[0])
	parent, err2 := strconv.Atoi(f[1])
	if err != nil || err2 != nil || !strings.HasPrefix(f[4], "/") {
		return mounting{}, false
	}
	return mounting{
		id: id, parent: parent, point: unescape(f[4]), kind: g[0], source: unescape(g[1]),
		readOnly: slices.Contains(strings.Split(g[2], ","), "ro"),
	}, true
}

// unescape undoes what the kernel does to spaces, tabs, newlines and backslashes: \ooo (seq_path).
func unescape(text string) string {
	if !strings.Contains(text, `\`) {
		return text
	}
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] == '\\' && i+3 < len(text) {
			if n, err := strconv.ParseUint(text[i+1:i+4], 8, 8); err == nil {
				b.WriteByte(byte(n))
				i += 3
				continue
			}
		}
		b.WriteByte(text[i])
	}
	return b.String()
}

// unmountOrder puts mounts in the order in which they can go: what lies on another one before it, else the latest
// first. A mount that was moved is later in the list than what is on it, so the list alone does not say.
func unmountOrder(all []mounting) []mounting {
	parent := make(map[int]int, len(all))
	for _, m := range all {
		parent[m.id] = m.parent
	}
	depth := func(m mounting) (n int) {
		for id := m.id; n <= len(all); n++ { // the bound is for a list that was changed while it was read
			up, ok := parent[id]
			if !ok || up == id {
				return n
			}
			id = up
		}
		return n
	}
	depths := make(map[int]int, len(all))
	for _, m := range all {
		depths[m.id] = depth(m)
	}
	order := slices.Clone(all)
	slices.Reverse(order)
	slices.SortStableFunc(order, func(a, b mounting) int { return depths[b.id] - depths[a.id] })
	return order
}

// volatile reports whether nothing of a file system lasts, so that it need not be unmounted for its own sake.
func volatile(kind string) bool {
	switch kind {
	case "autofs", "binder", "binfmt_misc", "bpf", "cgroup", "cgroup2", "configfs", "debugfs", "devpts", "devtmpfs",
		"efivarfs", "fusectl", "hugetlbfs", "mqueue", "nsfs", "proc", "pstore", "ramfs", "rootfs", "rpc_pipefs",
		"securityfs", "selinuxfs", "sysfs", "tmpfs", "tracefs":
		return true
	}
	return false
}

// stays reports whether a mount is left until the end: the root, and what the last steps themselves look into.
func (m mounting) stays() bool {
	if m.point == "/" {
		return true
	}
	for _, dir := range []string{"/proc", "/sys", "/dev", "/run"} {
		if m.point == dir || dir != "/run" && strings.HasPrefix(m.point, dir+"/") {
			return volatile(m.kind)
		}
	}
	return false
}
