// Package logs keeps what components print, and what Orderly says of them.
//
// It owns the reading ends of the output pipes, the files of the log directory with their rotation, the rate
// limits, and the reading back. It must not know what a component is: a stream has a name and a run.
//
//	pipes ──► Sink (one goroutine, one epoll) ──► NAME.log ──► NAME.log.1
//	Say   ──►      lines, bounded                    │
//	               ├──► Subscribe (orderly log -f)   └──► Read (orderly log)
//	               └──► Watch: a line that is waited for
//
// A component never waits for the log: its pipe is always read, and what cannot be written is dropped and counted,
// and the count is written as soon as something can be written again; where only a descriptor is missing it waits a while. A line longer than MaxLine is split.
package logs
