package runtime

// Container is what makes a process a container: namespaces of its own, and a
// root of its own. Each namespace is made, or entered, or the caller's.
type Container struct {
	// Namespaces are those that are made for it, CLONE_NEW* of namespaces(7). A
	// user namespace needs its maps before anything is done in it: it is made
	// before, see Hold, and entered.
	Namespaces uint64
	// Enter are namespaces that there are already, entered in this order: a
	// user namespace behind what is not its own, which it takes the right to
	// enter, and before what is.
	Enter []Namespace
	// Map says that a user namespace is entered: the steps after it are those
	// of its root.
	Map bool
	// Offsets of a new time namespace, see time_namespaces(7).
	Offsets []Offset
	// Hostname and Domain of a UTS namespace; empty: as they are.
	Hostname, Domain string
	// Settings are of /proc/sys, with slashes, in the namespaces of the process.
	Settings []Setting
	// Root is what it has as its root; nil: the caller's.
	Root *Root
	// Mounts are made in this order, in the new root.
	Mounts []Mounting
	// Nodes are devices that are made, Links symbolic links, behind the mounts.
	Nodes []Node
	Links []Link
	// Devices are what it may use, for whoever filters that; see cgroups of the
	// second version. The steps themselves do not.
	Devices []DeviceAccess
	// Masked are paths of which nothing is seen; ReadOnly those that cannot be
	// changed. One that is not there is fine.
	Masked, ReadOnly []Mask
	// Init is the caller's descriptor of the init that starts the program, see
	// Stub; 0: the program itself is the first process.
	Init int
	// Gate stops the child at places of its way; nil: nowhere.
	Gate *Gate
	// Loopback brings the loopback interface of a new network namespace up.
	Loopback bool
}

// Gate stops a child where others have something to do with what is there of
// it by then: at each place it adds 1 to Here, an eventfd(2), and waits until
// it can read Go, another one. That has no end, as a pipe would: a child whose
// caller has gone stays where it is until it is killed.
type Gate struct {
	Here, Go int
	// BeforePivot is when all is mounted, and the root is still the caller's;
	// BeforeExec is when all is done but the exec.
	BeforePivot, BeforeExec bool
}

// Namespace is one that is entered: FD is the caller's descriptor of it, or a
// pidfd of a process that is in it, Kinds one or more CLONE_NEW*, see setns(2).
type Namespace struct {
	Name  string // for errors
	FD    int
	Kinds uint64
}

// Offset is how far a clock is ahead in a time namespace, in nanoseconds.
type Offset struct {
	Clock string // "monotonic" or "boottime"
	By    int64
}

// Setting is one file below /proc/sys and what is written into it.
type Setting struct {
	Path, Value string
}

// Root is the directory, or the tree, that becomes the root.
type Root struct {
	// Path is the directory on the caller's side.
	Path string
	// Tree is the caller's descriptor of a detached mount that takes the place
	// of Path, see open_tree(2); 0: none.
	Tree int
	// Overlay lays something that can be written over it; nil: not.
	Overlay *Overlay
	// Propagation is MS_PRIVATE and the like of mount(2), with or without
	// MS_REC, once all is mounted; 0: mounts of the caller's below Path come in.
	Propagation uintptr
	// Set are MOUNT_ATTR_* of the root and of what is mounted in it.
	Set uint64
	// ReadOnly is of the root itself, not of what is mounted in it.
	ReadOnly bool
	// Move is for a root that cannot be pivoted away from: the initramfs, see
	// pivot_root(2), NOTES.
	Move bool
}

// Overlay is the upper layer of an overlay file system.
type Overlay struct {
	// Directory is where the two directories are that it takes, upper and work.
	Directory string
	// Scratch is in its place where a tmpfs is mounted first; empty: nowhere.
	// Data are its options.
	Scratch, Data string
	// User says that the mount is made by a user namespace's root.
	User bool
}

// Mounting is one mount in the root of a container.
type Mounting struct {
	// Target is the mount point, which is made if it is not there.
	Target string
	// Source is a path of the caller's where Bind is set, else what mount(2)
	// calls so.
	Source string
	// Type is that of the file system; of a bind mount empty.
	Type string
	// Bind mounts Source, with all below it where Recursive is set.
	Bind, Recursive bool
	// Tree is as in Root: a detached mount in place of Source.
	Tree int
	// File says that Source is no directory, nor is the mount point.
	File bool
	// Flags are MS_* of a mount that is none of Bind, Data its options.
	Flags uintptr
	Data  string
	// Set and Clear are MOUNT_ATTR_* of a bind mount, see mount_setattr(2).
	Set, Clear uint64
	// Shallow says that Set and Clear are of the mount alone, not of those that
	// Recursive brings along; SetAll and ClearAll are then of all of them.
	Shallow          bool
	SetAll, ClearAll uint64
	// Slave lets mounts of the caller's side that come later appear below it;
	// else nothing comes in, and never anything goes out.
	Slave bool
}

// Node is a device file; Mode has the type too, see mknod(2).
type Node struct {
	Path         string
	Mode         uint32
	Major, Minor uint32
	UID, GID     int
}

// Link is a symbolic link.
type Link struct {
	Target, Path string
}

// Mask is a path that is hidden or protected.
type Mask struct {
	Path string
	// Directory says what it is: a masked one becomes an empty directory, all
	// else an empty file.
	Directory bool
}

// DeviceAccess is a device, or all of a kind, and what may be done with it.
type DeviceAccess struct {
	Type         byte   // 'c' or 'b'; 'a' is both
	Major, Minor int64  // -1 is any
	Access       string // of r, w and m
}
