// Package manager is the loop: events in, effects out.
//
// It owns the carrying out of what the machine decides: starts, signals, readiness, logs, the facts table, and the
// control interface. It decides nothing; a death of the manager at any point loses nothing that matters, because
// facts are stored before acts and exits stay in the keeper's ring until they have been stored.
//
//	exit ring ─┐                                     ┌─► launch: spawn list, pipes held by the keeper first
//	landings ──┤                                     ├─► signal, kill: pidfd, cgroup.kill
//	readiness ─┼─► pending ─► Step ─► Store ─► effects ┼─► journal, log, console
//	requests ──┤    events                           ├─► answers to callers
//	deadline ──┘                                     └─► Finish to the keeper
//
// Handlers of descriptors only collect events. All deciding and acting happens in turn, once before each wait:
// so the order of things in one round is always the same, and one write stores all that a round has changed.
package manager
