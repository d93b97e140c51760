package boot

import "path/filepath"

// DefaultState is the state_directory of a configuration that says nothing, or that could not be read.
const DefaultState = "/var/lib/orderly"

func stateOf(directory string) string {
	if directory == "" {
		return DefaultState
	}
	return directory
}

// LastGood is the path of the last configuration that reached its target, as targets.Bundle writes it. An empty
// directory is the default one.
func LastGood(stateDirectory string) string {
	return filepath.Join(stateOf(stateDirectory), "last-good")
}

// Unconfirmed is the path of the configuration before one that is on the disk and was not confirmed.
func Unconfirmed(stateDirectory string) string {
	return filepath.Join(stateOf(stateDirectory), "before-unconfirmed")
}
