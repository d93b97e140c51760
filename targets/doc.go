// Package targets is the configuration: what an integrator writes, read strictly and turned into values.
//
// It owns the TOML model, the loading with file:line:col, the defaults, the checks that report every problem at
// once, the indexed graph and the closure of a run target. It must not know processes, time or state: nothing here
// runs, waits or changes, and only disk.go touches the file system.
//
//	files ──► Source ──► tree ──► Config ──► Graph ──► Closure
//	 (disk)   (bytes)   (TOML)   (values)   (edges)   (who is wanted, and why)
//	              └──────── Problems: file:line:col: key: what; hint
//
// A component is something Orderly runs or does; a run target names a set of them. Both share one name space.
// Components and targets are kept in byte order of their names and the index is the identity: every walk over
// them has one order, and two loads of the same files give the same numbers.
//
// The decoder only makes a tree, one per file. The trees are merged, and a reader of our own walks the result by
// tables of fields, one per key, reports what does not fit and goes on. Positions cost nothing until there is a
// problem: then a scanner finds where the keys of that file stand.
//
// # Choices
//
// What the rules leave open is answered so:
//   - A component reads over [defaults.component]: lists and values replace, environment merges, and a readiness
//     condition that is written replaces the default one. A default condition is for daemons; a oneshot is ready
//     when it has exited.
//   - Written without max_delay, a longer delay raises it; without delay, a shorter max_delay lowers that.
//   - A name has at most 64 characters, a duration at most ten years, all files together 16 MiB.
//   - A program is an absolute path, or a plain name that is looked up in PATH.
//   - RTMIN is 34, as programs see it, not the kernel's 32 (signal(7)).
//   - Hidden files are not read; neither are those in a directory below *.d.
//   - Columns count bytes from 1.
package targets
