package targets

import (
	"slices"
	"strconv"
	"strings"
)

// checkSettings refuses kernel settings that are not of a namespace which the container has: they would be the machine's.
func (v value) checkSettings(t *Container, at string) {
	for _, s := range t.Sysctl {
		name := strings.ReplaceAll(s.Key, "/", ".")
		if kind := settingKind(name); kind == "" {
			v.l.fault(at+".sysctl."+strconv.Quote(s.Key), atKey, "is the machine's, not a container's", "write it below [system]")
		} else if !slices.Contains(t.Namespaces, kind) && !slices.Contains(t.Share.Namespaces, kind) {
			v.l.fault(at+".sysctl."+strconv.Quote(s.Key), atKey, "needs a "+kind+" namespace", "else it is the machine's")
		}
	}
}

// settingKind is the kind of namespace that a setting is of, namespaces(7); "" is none.
func settingKind(name string) string {
	switch {
	case strings.HasPrefix(name, "net."):
		return "net"
	case strings.HasPrefix(name, "fs.mqueue."):
		return "ipc"
	case slices.Contains(strings.Fields("kernel.msgmax kernel.msgmnb kernel.msgmni kernel.msg_next_id kernel.sem kernel.sem_next_id "+
		"kernel.shmall kernel.shmmax kernel.shmmni kernel.shm_next_id kernel.shm_rmid_forced"), name):
		return "ipc"
	case name == "kernel.domainname", name == "kernel.hostname":
		return "uts"
	}
	return ""
}
