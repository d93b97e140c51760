// Package conformance holds the real program to what it promises, by scenarios that others have met with init systems and
// supervisors: each is a story in one line, a configuration and what somebody does to it from outside.
//
// It owns the scenarios, the oracles that are asked after every one of them (those that scripts share are in its folder
// oracle), and the table docs/reliability.md that comes of them. It must not know the inside of Orderly: it has commands,
// the control socket, files, signals and /proc.
//
//	scenario ──► world: orderly run, or the same as PID 1 of a namespace ──► idle, footprint taken
//	                │ body of the scenario        ▲ watched meanwhile: every exec that the kernel tells of, one run of
//	                │                             │ each component at a time, zombies, whether the manager sleeps,
//	                ▼                             │ how soon the control socket answers
//	             status is reality ──► idle again: the footprint is what it was, nobody is woken ──► end: nothing is left
package conformance
