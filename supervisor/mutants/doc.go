// Command mutants asks whether the tests of the pure core would notice: it makes one hand-made fault at a time and runs the
// simulation and the table tests over it.
//
//	go run ./supervisor/mutants                   every fault
//	go run ./supervisor/mutants -only=hold        those whose file or reason has the word
//	go run ./supervisor/mutants -from=2 -every=5  a fifth of them, for more than one machine
//	go run ./supervisor/mutants -both             also the tables where the simulation has found it already
//
// A fault is data: a file, a text that stands in it once, what is put in its place, and what would go wrong. The build gets
// the wrong file as an overlay (go help build), so nothing in the tree is touched. A fault is killed when a test fails. One
// that survives shows a hole in the tests or a line that is not needed; one whose text is not found shows that the code has
// gone on without the list. Both are errors.
package main
