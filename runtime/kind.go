package runtime

// Kind is a sort of component: how what the configuration says of one becomes
// something that can be started. Each is a folder of its own below this one. A
// plain process has none: its Spec is complete.
type Kind interface {
	// Make completes a Spec with what takes time to find or to make: it runs
	// beside other starts, and may read disks. The descriptors in it that are
	// not the caller's are returned as well, to be closed once the start is
	// over. An error is the step that failed, and leaves nothing open.
	Make(*Spec) (open []int, err error)
}
