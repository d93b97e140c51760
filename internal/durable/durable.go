// Package durable writes small files so that a power cut leaves the old one or the new one, whole.
//
// It owns the order of the system calls for that, and must not know what is in the files.
package durable

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// Forget removes a file that was saved, for good: also after a power cut. One that is not there is forgotten, also where nothing
// can be removed: a read-only file system refuses before it looks (EROFS, unlink(2)).
func Forget(path string) error {
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return nil
	}
	if err := os.Remove(path); err != nil {
		return err
	}
	return settle("forget "+path, filepath.Dir(path))
}

// Save replaces a file so that after a power cut there is the old one or the new one, whole: temporary
// file, fsync, rename, fsync of the directory (fsync(2), rename(2)). The directory is made where it is missing.
func Save(path string, data []byte, mode os.FileMode) error {
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
	return settle("save "+path, directory)
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
	// whatever the umask is; FAT, which has no modes, refuses what it cannot show
	if err := f.Chmod(mode); err != nil && !errors.Is(err, fs.ErrPermission) {
		return err
	}
	return f.Sync()
}

// settle makes what has happened to the names in a directory last.
func settle(what, directory string) error {
	d, err := os.Open(directory)
	if err == nil {
		err = errors.Join(d.Sync(), d.Close())
	}
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}
