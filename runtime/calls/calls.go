// Package calls is the names of system calls and their numbers, as plain data:
// syscalls(2), for amd64, arm64 and arm. The configuration is held against the
// names, a filter is made of the numbers.
//
// It must not know what the names are for.
package calls

import (
	"iter"
	"strconv"
	"strings"
)

// Arch is a processor architecture that Orderly runs on.
type Arch int

// The architectures, in the order of the columns of the table.
const (
	AMD64 Arch = iota
	ARM64
	ARM
)

// Of is the architecture that Go calls goarch; false: it is none of ours.
func Of(goarch string) (Arch, bool) {
	switch goarch {
	case "amd64":
		return AMD64, true
	case "arm64":
		return ARM64, true
	case "arm":
		return ARM, true
	}
	return 0, false
}

// Names are all names that one of the architectures has, sorted.
func Names() []string {
	var names []string
	for name := range rows() {
		names = append(names, name)
	}
	return names
}

// Numbers are the calls of one architecture. It is read from text each time:
// keep it while it is of use.
func Numbers(a Arch) map[string]uint32 {
	numbers := map[string]uint32{}
	for name, columns := range rows() {
		if n, err := strconv.ParseUint(columns[a], 10, 32); err == nil {
			numbers[name] = uint32(n)
		}
	}
	return numbers
}

func rows() iter.Seq2[string, []string] {
	return func(yield func(string, []string) bool) {
		for line := range strings.Lines(table) {
			columns := strings.Fields(line)
			if !yield(columns[0], columns[1:]) {
				return
			}
		}
	}
}
