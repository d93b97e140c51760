package boot

import (
	"fmt"
	"os"
	"path/filepath"
)

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

// Forget removes a file that was saved, for good: also after a power cut.
func Forget(path string) error {
	if err := os.Remove(path); err != nil {
		if os.IsNotExist(err) {
			return nil
		}
		return err
	}
	return wrap("forget "+path, syncDirectory(filepath.Dir(path)))
}

// SaveAtomically replaces a file so that after a power cut there is the old one or the new one, whole: temporary
// file, fsync, rename, fsync of the directory (fsync(2), rename(2)). The directory is made where it is missing.
func SaveAtomically(path string, data []byte) error { return save(path, data, 0o600) }

func save(path string, data []byte, mode os.FileMode) error {
	directory := filepath.Dir(path)
	if err := os.MkdirAll(directory, 0o755); err != nil {
		return fmt.Errorf("save %s: %w", path, err)
	}
	// always the same name: what a power cut leaves behind does not add up
	temporary := filepath.Join(directory, "."+filepath.Base(path)+".new")
	if err := writeSynced(temporary, data, mode); err != nil {
		os.Remove(temporary)
		return fmt.Errorf("save %s: %w", path, err)
	}
	if err := os.Rename(temporary, path); err != nil {
		os.Remove(temporary)
		return fmt.Errorf("save %s: %w", path, err)
	}
	return wrap("save "+path, syncDirectory(directory))
}

func writeSynced(path string, data []byte, mode os.FileMode) error {
	os.Remove(path) // a link that somebody put there is not followed
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.Write(data); err != nil {
		return err
	}
	if err := f.Chmod(mode); err != nil { // whatever the umask is
		return err
	}
	return f.Sync()
}

func syncDirectory(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
