package main

import (
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/cgroups"
)

// condition answers what a script asks of the machine before it goes on.
func condition(name string) (bool, error) {
	switch name {
	case "root":
		return os.Geteuid() == 0, nil
	case "cgroups": // version 2, and we may make groups
		place, err := cgroups.Hierarchy()
		return err == nil && os.Geteuid() == 0 && unix.Access(place.Own, unix.W_OK) == nil, nil
	case "pressure":
		place, err := cgroups.Hierarchy()
		return err == nil && os.Geteuid() == 0 && unix.Access(place.Own+"/cpu.pressure", unix.R_OK) == nil, nil
	case "vsock": // between processes of one machine: vsock_loopback
		fd, err := unix.Socket(unix.AF_VSOCK, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return false, nil
		}
		defer unix.Close(fd)
		return unix.Bind(fd, &unix.SockaddrVM{CID: unix.VMADDR_CID_LOCAL, Port: unix.VMADDR_PORT_ANY}) == nil, nil
	case "landlock": // the version that knows TCP
		version, _, e := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
		return e == 0 && version >= 4, nil
	case "apparmor":
		_, err := os.Stat("/proc/self/attr/apparmor")
		return err == nil, nil
	case "selinux": // registered where the module is in force
		b, err := os.ReadFile("/proc/filesystems")
		return strings.Contains(string(b), "selinuxfs"), err
	}
	return false, fmt.Errorf("unknown condition %s", name)
}
