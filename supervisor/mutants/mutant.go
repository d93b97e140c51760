package main

import (
	"fmt"
	"strings"
)

// mutant is one fault.
type mutant struct {
	file  string // below the root of the module
	right string // stands in the file once, within one function
	wrong string // takes its place
	why   string // what goes wrong with it
}

// all is every fault, in the order in which they are tried.
func all() []mutant {
	var list []mutant
	for _, part := range [][]mutant{orderFaults(), stopFaults(), failureFaults(), ladderFaults(), transitionFaults(),
		handFaults(), applyFaults(), factsFaults(), restoreFaults(), heartbeatFaults(), conditionFaults(), graphFaults()} {
		list = append(list, part...)
	}
	return list
}

// place is where the fault is in the text of its file.
func (m *mutant) place(text string) (int, error) {
	if n := strings.Count(text, m.right); n != 1 {
		return 0, fmt.Errorf("%s: %q stands there %d times, not once", m.file, m.right, n)
	}
	return strings.Index(text, m.right), nil
}
