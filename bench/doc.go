// Command bench measures Orderly beside a floor: a loop in C that makes the same system calls and decides nothing.
//
// It owns the workloads, the floor, and the goals that are printed beside the figures. It must not know the
// inside of Orderly: it drives the program that is shipped over the control socket, like any integrator. The one exception
// is the loading of a configuration, which is also timed as a call.
//
//	floor.c ──┐ starts, stops          ┌─► mark.c × N ── CLOCK_MONOTONIC ──► fifo ──► bench ──► table
//	boxes.c ──┤ the same of containers │
//	orderly ──┴── interleaved, fresh ──┘   first instruction
//	QEMU  ───── orderly as /init, counted time ──────────────────────────► console ──┘
//	      ───── crun, runc and orderly, containers from one root ────────► console ──┘
//
// A start is over when the program that was started has run its first instructions and has said when that was, so floor
// and Orderly are measured by the same clock in the same children. The time of a start begins before the request is
// sent. Every figure is the median of several rounds, floor and Orderly in turn, each in a fresh process.
//
// Containers are started by both sides from one root, with the same namespaces, mounts, devices, masks and capabilities, in turn from two
// processes that stay. A loop in C that takes one vfork after another uses one processor; starts of Orderly overlap.
//
// crun and runc are programs, and their requests are executions of them: the time begins before the overlay is mounted and the
// program executed. They run in a guest that has no cgroups but those of version 2, which crun wants; crun is the floor of
// those lines. All start the same bundle; Orderly lays its overlay over it by itself. There too no side has a filter of system calls.
//
// Heartbeats are measured as processor time: of a loop in C that only reads them, and of the manager, which judges as well.
//
// The load of the host is printed, since others may use it: above 1 the figures say little, except those of memory,
// wake-ups and the guest. Then `chrt -r 5 go run ./bench` keeps the others out.
package main
