// Package keeper is the process that never ends: PID 1, or the main process of `orderly run`.
//
// It owns the reaping of every child, the descriptors that must survive the manager, the start and restart of
// the manager, and the last system calls of a shutdown. It decides nothing about components: it knows none.
//
//	           keeper                                     manager
//	wait4 ──► exit ring (memfd) ──── wake (eventfd) ────► reads the ring, stores what it applied
//	signals ─────────────── Signal ─────────────────────► events
//	held descriptors ◄───── Hold, Drop ─────────────────  log pipes, listener, configuration, …
//	                 ────── Held …, HeldEnd ────────────► after a restart
//	last system calls ◄──── Finish ─────────────────────  everything is down
//	new binary ◄─────────── Replace ────────────────────  upgrade
//
// The arrows above the memfd are packets on one SOCK_SEQPACKET pair; message.go has their form. A manager that
// died is started again and asks for what is held; the facts table says the rest. The keeper's loop allocates
// nothing once the first manager runs, apart from a slot in the map of held descriptors. In an upgrade the keeper
// becomes the program that its manager is already: renew.go has how.
package keeper
