// Package inspect holds a configuration against a system: what it names there, and what it leaves open to attack.
//
// It owns the looking: whether programs, accounts, directories and devices are there, on this machine or in an image below a
// directory, and how exposed each component is. It must not know processes: nothing is run, and nothing is written.
//
//	targets.Config ──► Strict(root) ───► []targets.Finding ──► file:line:col: key: what; hint
//	               └─► Exposures ──────► 0.0 safe … 10.0 exposed, and what to write
//
// What only exists once components have run cannot be known: what is missing in /run, /tmp, /dev, /proc, /sys, below a mount that the
// configuration makes, or where a built-in action makes it, is no finding. Directories and plain files that are missing elsewhere
// are warnings, for a program may make them; a missing program or account is an error.
package inspect
