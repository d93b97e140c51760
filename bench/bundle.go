package main

import (
	"encoding/json"

	"github.com/orderly-init/orderly/runtime/container"
)

// object is a JSON object of the OCI runtime specification.
type object = map[string]any

// bundle is the config.json of a container that is what Orderly makes of a root by itself: namespaces, mounts, masks, capabilities, and
// no filter of system calls. The devices that every container has the engines add by themselves.
// The cgroup of a name below boxGroups is for an engine that has to be told one.
func bundle(root, id, group string) ([]byte, error) {
	mount := func(kind, target string, options ...string) object {
		return object{"type": kind, "source": kind, "destination": target, "options": options}
	}
	var namespaces []object
	for _, kind := range []string{"mount", "pid", "uts", "ipc", "cgroup"} {
		namespaces = append(namespaces, object{"type": kind})
	}
	linux := object{
		"namespaces": namespaces, "maskedPaths": container.UsualMasked(), "readonlyPaths": container.UsualReadOnly(),
		"resources": object{"devices": []object{{"allow": false, "access": "rwm"}}},
	}
	if group != "" {
		linux["cgroupsPath"] = "/boxes/" + group
	}
	return json.Marshal(object{
		"ociVersion": "1.0.2", "hostname": id, "root": object{"path": root},
		"process": object{
			"user": object{"uid": 0, "gid": 0}, "cwd": "/", "args": []string{"/mark", "/proc/self/fd/1"}, "noNewPrivileges": true,
			"env":          []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
			"capabilities": object{"bounding": engineCapabilities(), "permitted": engineCapabilities(), "effective": engineCapabilities()},
			"oomScoreAdj":  0,
		},
		"mounts": []object{
			mount("proc", "/proc", "nosuid", "noexec", "nodev"), mount("tmpfs", "/dev", "nosuid", "noexec", "mode=755", "size=64k"),
			mount("devpts", "/dev/pts", "nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"),
			mount("tmpfs", "/dev/shm", "nosuid", "noexec", "nodev", "mode=1777", "size=64m"),
			mount("mqueue", "/dev/mqueue", "nosuid", "noexec", "nodev"),
			mount("sysfs", "/sys", "nosuid", "noexec", "nodev", "ro"), mount("cgroup", "/sys/fs/cgroup", "nosuid", "noexec", "nodev", "ro"),
		},
		"linux": linux,
	})
}

// engineCapabilities are those that Orderly leaves a container unless the configuration says otherwise.
func engineCapabilities() []string {
	return []string{
		"CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL", "CAP_SETGID", "CAP_SETUID", "CAP_SETPCAP",
		"CAP_NET_BIND_SERVICE", "CAP_NET_RAW", "CAP_SYS_CHROOT", "CAP_MKNOD", "CAP_AUDIT_WRITE", "CAP_SETFCAP",
	}
}
