// Package runtime is the kernel skin for processes: it says what one process
// is (a [Spec]), and starts it.
//
// A start is a value. [Spec.Steps] turns a Spec into the list of system calls
// that the child makes between clone and exec; [Prepare] lays that list out in
// memory that the Go heap does not know; [Start] clones, and an assembly
// interpreter walks the list in the child. Nothing of the Go runtime runs
// there, so it needs no stack, no lock and no stop of the world, and the Go
// process goes on meanwhile. What became of it is in a [Slot], in memory that
// outlives the caller.
//
//	keeper ──┬── manager: Start ──clone──┐ CLONE_PARENT: a sibling
//	         │      ▲                    ▼
//	         │      │ eventfd     intermediate ──clone, vfork──┐
//	         │      └──────────── Done, exit 0                 ▼
//	         │                                    steps ... exec: component
//	         └── adopts the component when the intermediate has left
//
// The kernel writes the component's pid into the Slot before the child runs.
// The intermediate waits in the kernel until the child has executed or failed,
// sets Done, writes to the eventfd and leaves. The caller may die at any
// moment: the child goes on, and the Slot tells the next one.
//
// What it needs of its surroundings: the parent of the caller is PID 1 or a
// child subreaper, and reaps; the caller is not the init of a PID namespace
// (CLONE_PARENT is refused there) and does not ignore SIGCHLD.
//
// It must not know components, targets, restarts or the file that they were
// written in.
package runtime
