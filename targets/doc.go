// Package targets is the configuration: what an integrator writes, read strictly and turned into values.
//
// It owns the TOML model, the loading with file:line:col, the defaults and templates, the checks that report
// every problem at once, the indexed graph and the closure of a run target. It must not know processes, time
// or state: nothing here runs, waits or changes.
//
//	files ──► Source ──► tree ──► Config ──► Graph ──► Closure
//	 (disk)   (bytes)   (TOML)   (values)   (edges)   (who is wanted, and why)
//	              └──────── Problems: file:line:col: key: what; hint
//
// A component is something Orderly runs or does; a run target names a set of them. Both share one name space.
// Components and targets are kept in byte order of their names and the index is the identity: every walk over
// them has one order, and two loads of the same files give the same numbers.
package targets
