// Package sim is a seeded world that tries to break the supervisor's machine.
//
// It owns a world of processes that knows only effects and events, a manager that can die between any two of its acts, and a
// judge that holds everything to the rules after each step. It must not know the machine's inside: what it knows of the
// machine is what a manager can know.
//
//	seed ─► land (configurations), script (requests, deaths, jumps), plans (what each run does)
//
//	          ┌─────────── effects ────────────┐
//	      machine                            world ── processes, commands, the keeper's exits
//	          └── events ◄── manager ◄── notices┘
//	      facts: a []byte that survives the manager
//
//	      judge: sees events, effects, snapshots; its own shadow of every component
//
// Everything comes from the seed, and from names rather than from the order of events: what run 3 of component c does is the
// same whether or not a request was left out before. So a failing run can be made smaller by leaving out parts.
//
// # What the world may do
//
//   - Launched, BecameReady and Exited of a run come in this order, each late by some time; of two runs in any order.
//     What a run reports of itself may come before Launched, but not before it has executed.
//   - What a dead manager was told and did not store is lost, except exits: these are told again.
//   - Time can jump forward, and much happens at once then. It never goes back.
//   - A repeated Launched, BecameReady, Emptied, or anything of an old run may come at any time.
//
// # Rules
//
// A broken rule is called by one word:
//
//	start order   dependencies ready, others settled, nobody in conflict alive (rule 1)
//	along         a dependent that goes along with a failure is gone before its dependency starts again (rule 1)
//	stop order    no dependent alive, except for a failure (rule 2)
//	by hand       who is adopted is taken in, who is released is let go, once
//	one set       one set of processes per component, one launch per run, runs go up
//	facts first   what is launched has its record (R16)
//	kill          once, not before stop_timeout, and then
//	delay         no restart before its delay
//	attempts      restarts within their window, and no giving up before
//	ready         nobody is ready who has not said so
//	heartbeat     who beats in time is left alone, who is silent is found
//	condition     no start before every condition has held, none left out or failed by one that did not deny (R8)
//	stale         an event of another run, or told twice, changes nothing
//	deadline      never past, moves on, and limits are acted on
//	answers       each request once, with reasons
//	edges         changes are told, and lead from state to state as they may
//	wanted        the wanted and essential ones follow from target and marks (R2 to R4)
//	top           the state of the whole is told and fits the components
//	ladder        up, no target twice in an episode, to its end (R12)
//	shutdown      nothing starts, everything is dead at the end (R13)
//	restore       a new manager knows what the old one had stored, and decides nothing by that
//	calm          once nothing is due any more: the wanted set is ready, or there is a reason
//	bug           the machine says so itself
//
// # Calm
//
// After the script the world goes on for three minutes; then every new run does well. Once nothing is due any more the judge
// asks for the end: the wanted ones are ready, or failed or held back with a reason, and nothing else is alive.
package sim
