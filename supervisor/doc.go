// Package supervisor decides what is started and stopped, and when.
//
// It owns the Machine with its one rule, the arithmetic of restarts, the plan of a switch, the causes, the status and the
// encoding of the facts. It must not know TOML, system calls, the clock, goroutines or logging: time comes in
// as now, what happened comes in as an Event, and what is to be done goes out as Effects.
//
//	request, fact ──► Step ──► apply: note the fact ──► timers ──► settle ──► conclude ──► Effects
//	                   ▲                                            │  ▲        │
//	        Deadline ──┘        views true, then one start or stop ─┘  └────────┘ transition, ladder, shutdown
//
// # Settle
//
// After every event the machine looks at the present, not at how it got there. What is stored of a component is its
// state, run, limits, failures and marks. What others look at in it is its view: alive, ready, settled, hopeless, about to go. A
// view is derived from the stored facts and the views of what it depends on. settle derives every view that may
// have changed, dependencies first; only then does it start or stop one component that has to and may, and looks again.
// Boot, switch, crash, reload and shutdown are this rule with another wanted set. An event costs what it touches:
// the component and its neighbours.
//
// # Heartbeats
//
// A component that is ready is looked at when its window ends, not when it beats. The ends of windows are multiples of
// the window since boot, so those with like windows are looked at in one wake-up. A look that comes late gives the next
// window less time; from an eighth of a window on that window is joined to the one after it. What is asked for follows the time
// that was really watched. A look that is late by a whole window judges nothing: then everybody was starved. Failed windows count
// in a row. Who was frozen, or counted for by a manager that died, has one failed window free.
//
// # Words
//
//   - component, run target, dependency, dependent: as in the configuration; numbers are those of the graph.
//   - run: one start of a component; events that name another run than the present change nothing.
//   - wanted: closure(active target + started by hand) - stopped by hand (R2, R3).
//   - ready: it does its job; a oneshot that ended well stays ready until it is deactivated (state done).
//   - settled: nobody who merely wants it need wait for it. One that waits for what has settled without becoming ready
//     has settled too.
//   - hopeless: cannot become ready before a request helps it: it, or what it needs, has failed for good.
//   - goes: has to stop in order, after its dependents: nobody wants it, or it restarts.
//   - raised: a component whose recovery is used up calls for the ladder.
//
// # Requests to activate
//
//	unknown target          refused                      the active target, all well   done at once
//	while another is begun  supersedes, callers told     something failed              failed ones start again
//	the one being activated joins                        queue                         after the transition in progress
//	in shutdown             refused                      nobody waits any more         the transition goes on
//
// # Choices
//
// Where the rules leave something open:
//
//   - A transition is done when all essential components are ready, the rest has settled and nothing unwanted is alive.
//   - An essential component that waits for one that was stopped by hand does not hold a transition open, and is no failure.
//   - A target that is asked for again while it is being activated is joined, unless something was started or stopped by
//     hand since: then it is a new request, which clears the marks.
//   - Processes that a oneshot leaves behind stay until it is deactivated; then the stop rule ends them.
//   - stop_command runs for a component that was ready; a run that is still starting gets the stop signal. A stop_command that
//     fails is followed by the stop signal at once; one that succeeds has until stop_timeout. stop_timeout 0 skips it.
//   - A component that dies while it waits for its turn to be stopped has not failed.
//   - A component that SIGKILL has not ended after 5 s is reported; it holds back nobody but those in conflict with it.
//   - What on_dependency_failure stops asks its own dependents in the same way.
//   - An episode of failures (R12) ends with a caller's request, or 60 s after the last transition ended. The fallback
//     target's own recovery is not looked at.
//   - A replacement is wanted, and essential, as the failed one is, for as long as that is failed. It serves none of the failed one's
//     dependents; those that either may serve depend on any of the two.
//   - Recovery "ignore" takes no dependent along. An exit code that forbids another start uses up every attempt; where nothing would
//     ever be used up the component escalates.
//   - Recovery "activate" of a component that is not essential waits for the end of a transition.
//   - A start by hand is answered when the component is ready or its recovery is used up, and as failed when it waits for one that
//     was stopped by hand or for a wanted one in conflict: no transition waits for that either.
//   - The tries of the fallback count through an episode, also when recovery "activate" of a component led out of it. A try that is
//     due when everything is ready after all is left out.
//   - A dependent that would go along with a failure and is stopping already has to be gone as well before its dependency starts.
//   - A start or stop may take at most 10 minutes longer than its limit by its own wish (EXTEND_TIMEOUT_USEC).
//   - In safe mode of all requests only stop and shutdown are served; a failure leaves its component failed, and what it calls for
//     waits for a manager that is not in safe mode.
//   - An applied configuration begins a transition of the active target, unless that has failed already.
//   - After a manager's death a removed component that still stops has lost its definition: it gets TERM and 10 s.
//   - The first shutdown is honoured; the same end again joins it, another end is refused.
//   - A reload command has start_timeout to end.
//   - A start condition that has held once in a test is not asked again in that test: all have held, perhaps not at one time.
//     The first that is found not to hold decides whether the start has failed or the component is left out.
//   - What a component has raised is over when it is down, also for a restart; that who is ready with it stays so. What a oneshot
//     that ended well has raised lasts until it is deactivated.
//   - A test of start conditions goes on when another activation takes over, and its time-outs with it.
package supervisor
