package qemu

import (
	"strings"
	"testing"
)

// A kernel that does not have one of the file systems that every program takes for granted, or none of them: each is told, components run,
// are restarted, and the machine ends in order.
func TestFileSystemsThatTheKernelDoesNotHave(t *testing.T) {
	for _, r := range []struct {
		types string
		notes []string
	}{
		{"sysfs", []string{"mount sysfs on /sys: no such device"}},
		{"devtmpfs", []string{"mount devtmpfs on /dev: no such device"}},
		{"devtmpfs,tmpfs", []string{"mount tmpfs on /dev/shm: no such device", "mount tmpfs on /run: no such device"}},
		{"cgroup2", []string{"mount cgroup2 on /sys/fs/cgroup: no such device", "no cgroups"}},
		{"sysfs,devtmpfs,devpts,tmpfs,ramfs,cgroup2", []string{
			"mount sysfs on /sys: no such device", "mount devtmpfs on /dev: no such device; mount tmpfs on /dev: no such device", "mount devpts on /dev/pts: no such device",
			"mount tmpfs on /dev/shm: no such device", "mount tmpfs on /run: no such device", "mount cgroup2 on /sys/fs/cgroup: no such device",
		}},
	} {
		t.Run(r.types, func(t *testing.T) {
			m := early(t, "refused", "exec /sbin/trouble refuse "+r.types+" /sbin/init\n", bare)
			m.reaches("main")
			for _, note := range r.notes {
				m.noted(note)
			}
			mounts := m.sh("cut -d' ' -f3 /proc/mounts")
			for kind := range strings.SplitSeq(r.types, ",") {
				if strings.Contains("\n"+mounts, "\n"+kind+"\n") {
					t.Errorf("%s is mounted:\n%s", kind, mounts)
				}
			}
			m.sh("orderly restart witness && orderly wait witness && test -c /dev/null")
			m.powerOff()
			if got := m.Console(); strings.Contains(got, "starting it again") || strings.Contains(got, "panic") {
				t.Error("a manager did not bear it")
			}
		})
	}
}
