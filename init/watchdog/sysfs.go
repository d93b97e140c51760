package watchdog

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// class is where the kernel tells of its watchdogs (Documentation/ABI/testing/sysfs-class-watchdog). Kernels without
// CONFIG_WATCHDOG_SYSFS tell their names only.
const class = "/sys/class/watchdog"

// miscMajor and miscMinor are those of /dev/watchdog, which is the first watchdog (include/linux/miscdevice.h).
const (
	miscMajor = 10
	miscMinor = 130
)

// name is the watchdog that a path means, such as "watchdog0"; "" where it is none that the kernel knows.
func name(path string) string {
	var st unix.Stat_t
	if unix.Stat(path, &st) != nil || st.Mode&unix.S_IFMT != unix.S_IFCHR {
		return ""
	}
	major, minor := unix.Major(uint64(st.Rdev)), unix.Minor(uint64(st.Rdev))
	if major == miscMajor && minor == miscMinor {
		return "watchdog0"
	}
	link, err := os.Readlink("/sys/dev/char/" + strconv.Itoa(int(major)) + ":" + strconv.Itoa(int(minor)))
	if err != nil {
		return ""
	}
	return filepath.Base(link)
}

// Same says whether two paths mean one watchdog: /dev/watchdog is /dev/watchdog0.
func Same(a, b string) bool { return a == b || name(a) != "" && name(a) == name(b) }

// readNumber is a number that sysfs has of a watchdog, 0 where it has none.
func readNumber(path, attribute string) int {
	n := name(path)
	if n == "" {
		return 0
	}
	b, err := os.ReadFile(filepath.Join(class, n, attribute))
	if err != nil {
		return 0
	}
	return parseNumber(string(b))
}

// parseNumber reads a number of sysfs.
func parseNumber(text string) int {
	n, err := strconv.ParseInt(strings.TrimSpace(text), 0, 64)
	if err != nil || n < 0 {
		return 0
	}
	return int(n)
}

// Armed is the path of a watchdog that runs already and that nobody has open: somebody before us has armed it and gone.
// "" is none.
func Armed() string {
	names, err := filepath.Glob(class + "/watchdog*")
	if err != nil {
		return ""
	}
	for _, n := range names {
		b, err := os.ReadFile(filepath.Join(n, "state"))
		if err == nil && strings.TrimSpace(string(b)) == "active" {
			return "/dev/" + filepath.Base(n)
		}
	}
	return ""
}
