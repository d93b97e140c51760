// Package oci reads runtime bundles of the Open Container Initiative: a directory with a config.json, as runtime-spec 1.2 has it.
//
// It owns which of the fields are carried out, and how they are said in the words of a start. It must not know components, nor
// carry anything out: what it makes is a runtime.Spec and a container.Config as plain data, and the container's kind does the rest.
//
//	config.json ── tree, with positions ──► against the types of specs-go ──► against the table of fields
//	                                          └ unknown, wrong type             └ not supported
//	           ──► Bundle: Process (a runtime.Spec), Config, Hooks, Resources
//
// A bundle may come from anywhere: the file is at most 4 MiB, its nesting is bounded, and all that is wrong with it is told at once,
// each with its place. What is not carried out is refused, never left out in silence: the spec would have a runtime ignore what it
// does not know, but a misspelt maskedPaths would then protect nothing.
package oci
