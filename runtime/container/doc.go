// Package container is the kind of component that has a root and namespaces of its own.
//
// It owns what a container has that nobody writes (its /proc, /dev and /sys, what of them is hidden), the words of
// mount options, and the finding of programs and accounts inside a root. It must not know components, nor how the
// steps of a start are made: it completes a runtime.Spec, and the spawn list does the rest.
//
//	Config ── Make ──► Spec.Container: namespaces, mounts, devices, masks
//	             ├───► Spec.Path and Credential, looked up inside the root
//	             └───► descriptors: a user namespace, a root with other ids
//
// Whatever of a root is looked at before the start is looked at from within it (openat2(2), RESOLVE_IN_ROOT): a
// symbolic link in it cannot lead out.
package container
