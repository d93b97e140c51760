// Package ready is the kernel's half of readiness: when a path appears or goes, when somebody listens, what a
// process says on its notify socket.
//
// It owns the inotify watch over paths, the questions to sock_diag, and the notify socket with its datagrams. It
// must not know who waits for what: it is given paths and addresses and calls back.
//
//	Paths   inotify on the nearest existing parent ──► "look again"
//	Sockets sock_diag, else /proc/net             ──► listening or not
//	Links   rtnetlink                     ──► "look again"
//	Notify  datagram + SCM_CREDENTIALS            ──► Message
//
// A look comes after each watch is set, so that what happened before it is seen.
package ready
