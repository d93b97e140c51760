// Package cgroups is the cgroup v2 tree: groups of processes that can be killed, counted and watched as one.
//
// It owns the finding of the hierarchy, one directory below it (a Tree) and the groups in it, and what the kernel
// tells of them. It must not know what a process is for. The source is the kernel's cgroup-v2 document.
//
//	/sys/fs/cgroup ── Tree (orderly) ─┬─ Group (canrouter)   cgroup.kill, cgroup.procs, cgroup.events, cpu.stat
//	                                  └─ Group (camera)
//
// A process is put into a group at its birth, by the descriptor of the group's directory (CLONE_INTO_CGROUP).
package cgroups
