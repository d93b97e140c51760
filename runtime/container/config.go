package container

import (
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/runtime"
)

// Config is a container as plain data. Root and Mounts are of the caller's side; what is in the root is named as
// the container sees it.
type Config struct {
	Root        string
	ReadOnly    bool
	Overlay     string // where changes of the root go: "" into it, "tmpfs" nowhere, a directory keeps them
	OverlaySize int64  // bytes of a tmpfs; 0 is its default
	Scratch     string // a directory onto which a tmpfs can be mounted, in the container's own namespace
	Kinds       uint64 // CLONE_NEW* that are made for it
	Hostname    string
	Domain      string
	Join        []Joining // namespaces of others that are entered
	Propagation uintptr   // as in runtime.Root
	Volumes     []Volume  // over and behind what every container has
	Bare        bool      // it has nothing but its Volumes
	Devices     []Device
	Nodes       []runtime.Node // made as they are
	Links       []runtime.Link
	Access      []runtime.DeviceAccess // to other devices than Devices, where it is Bare
	Masked      []string               // nil: what every container has masked
	ReadOnlies  []string               // nil: what every container has protected
	Settings    []runtime.Setting
	Monotonic   time.Duration // offsets of a time namespace
	Boottime    time.Duration
	UIDs, GIDs  []runtime.IDMap // of a user namespace
	IDMapped    bool            // files belong to whom they belong outside
	Enter       []runtime.Namespace
	Account     *runtime.Account // who it is, by names of the root; nil: root
	Init        bool
}

// Volume is a mount: a directory or file of the machine's, or a file system of its own.
type Volume struct {
	Source, Target, Type, Options string
	// Words are the options instead of Options, as an OCI bundle has them: what has an r before it is of all mounts that rbind
	// brings along, the others are not.
	Words []string
	// UIDs and GIDs are a map of its own for a bind mount, for all below it too where MapAll is set.
	UIDs, GIDs []runtime.IDMap
	MapAll     bool
	// Copied says that a tmpfs begins with what the root has in its place.
	Copied bool
}

// Joining is a namespace by the path of its file, and what kind, CLONE_NEW*, it must be.
type Joining struct {
	Path string
	Kind uint64
}

// Device is a device file of the machine's that the container has, and what it may do with it.
type Device struct {
	Path   string
	Access string // of r, w and m
}

// New is the kind of one container.
func New(c Config, m *Machine) runtime.Kind { return &kind{c, m} }

type kind struct {
	Config
	machine *Machine
}

// Kinds are the flags CLONE_NEW* of namespaces by the names that the configuration has for them.
func Kinds(names []string) (flags uint64) {
	for _, name := range names {
		flags |= kindNames()[name]
	}
	return flags
}

// Names is the inverse of Kinds, sorted.
func Names(flags uint64) []string {
	names := []string{}
	for name, kind := range kindNames() {
		if flags&kind != 0 {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func kindNames() map[string]uint64 {
	return map[string]uint64{
		"cgroup": unix.CLONE_NEWCGROUP, "ipc": unix.CLONE_NEWIPC, "mount": unix.CLONE_NEWNS, "net": unix.CLONE_NEWNET,
		"pid": unix.CLONE_NEWPID, "time": unix.CLONE_NEWTIME, "user": unix.CLONE_NEWUSER, "uts": unix.CLONE_NEWUTS,
	}
}
