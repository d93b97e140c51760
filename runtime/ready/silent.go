package ready

import (
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Silent says whether changes at a path are not told by inotify: in file systems that the kernel makes up, and in those that
// another machine or process changes (inotify(7), Limitations). Such a path is looked at again and again.
func Silent(path string) bool {
	var st unix.Statfs_t
	if unix.Statfs(nearest(filepath.Dir(path)), &st) != nil {
		return true
	}
	switch int64(uint32(st.Type)) {
	case unix.SYSFS_MAGIC, unix.PROC_SUPER_MAGIC, unix.CGROUP2_SUPER_MAGIC, unix.CGROUP_SUPER_MAGIC, unix.DEBUGFS_MAGIC, unix.TRACEFS_MAGIC,
		unix.SECURITYFS_MAGIC, unix.NFS_SUPER_MAGIC, unix.V9FS_MAGIC, unix.FUSE_SUPER_MAGIC, unix.SMB_SUPER_MAGIC, unix.SMB2_SUPER_MAGIC,
		unix.CIFS_SUPER_MAGIC, unix.AFS_SUPER_MAGIC, unix.CEPH_SUPER_MAGIC, unix.CODA_SUPER_MAGIC:
		return true
	}
	return false
}
