// Package oracle judges what is seen of a supervisor from outside, for tests: those of the conformance suite and those
// that play scripts.
//
// It owns what must hold of any Orderly at any time, whatever is done to it. It must not know how one is started, nor
// what a test does. It looks at /proc and at what the control interface told, and says in a line each what is wrong.
//
//	/proc ──► Tree ──► Watch: at every instant     events, status ──► Story: a possible one, and the same
//	 │          └────► Compare ◄── status          directory, configuration ──► Sockets, PIDFiles, Mounts, Processes
//	 └► Daemon ──► Footprint, Woken: as before     a process that asks ──► Answers: in time
package oracle
