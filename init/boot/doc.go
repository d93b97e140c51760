// Package boot brings the machine up and down as PID 1, and has what is needed when nothing valid is configured.
//
// It owns the kernel command line, the early mounts, [system], the rescue, and everything between the end of the
// last component and reboot(2). It must not know components, the control socket, or why the machine ends.
//
//	keeper   Early ── mounts, devices, console, ctrl-alt-del
//	manager           Up ── host name, loopback, clock, modules, sysctl, mounts, machine id, random seed
//	                       … targets come and go …
//	keeper   Down ── processes, seed, sync, unmount, swap, loop, device-mapper, read-only, sync, reboot(2)
//
// None of them fails as a whole: what is not as it should be is said, and the next step is tried. A system call that
// can hang runs on a goroutine that is left behind at a deadline. As the PID 1 of a container the host's part of all
// this is left alone: modules, clock, random seed, swap and file systems.
//
// Where a user of systemd would expect something else: options of modules come from the kernel command line, not
// from modprobe.d; a mount's source is a path, not UUID= or LABEL=; at the end no process is spared for its name.
package boot
