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
//   - What a dead manager was told and did not store is lost, except exits: these are told again.
//   - Time can jump forward, and much happens at once then. It never goes back.
//   - A repeated Launched, BecameReady, Emptied, or anything of an old run may come at any time.
//
// # Calm
//
// After the script the world goes on for three minutes; then every new run does well. Once nothing is due any more the judge
// asks for the end: the wanted ones are ready, or failed or held back with a reason, and nothing else is alive.
package sim
