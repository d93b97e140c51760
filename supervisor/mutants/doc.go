// Command mutants asks whether the tests of the pure core would notice: it makes one hand-made fault at a time and runs the
// simulation and the table tests over it.
//
//	go run ./supervisor/mutants             every fault
//	go run ./supervisor/mutants -only=held  those whose file and reason match the expression
//	go run ./supervisor/mutants -both       also the tables where the simulation has found it already
//
// A fault is data: a file, a text that stands in it once, what is put in its place, and what would go wrong. It is killed
// when a test fails. One that survives shows a hole in the tests or a line that is not needed; one whose text is not found
// shows that the code has gone on without the list. Both are errors.
//
// All faults are built into one program, for building takes longer than finding them: a function with a fault is there twice,
// and asks at its beginning whether its other self is to run.
//
//	func (m *Machine) serves(n int) bool {         func (m *Machine) servesFault2(n int) bool {
//		if fault == 2 { return m.servesFault2(n) }       ... wrong ...
//		... right ...                              }
//	}
//
// The build gets the changed files as an overlay (go help build), so nothing in the tree is touched.
package main
