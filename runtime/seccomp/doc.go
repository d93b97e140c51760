// Package seccomp makes filters of system calls, see seccomp(2): a [Profile]
// says in names what a process may call, and [Compile] makes of it the program
// that the kernel runs at each call.
//
//	call ─► architecture is ours? ─no─► kill the process
//	            │ yes
//	        number, x32 ─────────────► kill the process
//	            │
//	        ranges of numbers in order ─► action
//	            └ a number with conditions: arguments ─► action
//
// It must not know who is filtered, nor install anything.
package seccomp
