package runtime

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// LookPath is the path of a command: file itself if there is a slash in it,
// else the first executable of that name in the directories of path, which are
// separated by colons. Unlike a shell it does not take an empty or relative
// entry for a directory. What is not found is fs.ErrNotExist; what is found
// but may not be executed is fs.ErrPermission.
func LookPath(file, path string) (string, error) {
	if strings.Contains(file, "/") {
		return file, nil
	}
	reason := fs.ErrNotExist
	if file != "" {
		for _, dir := range filepath.SplitList(path) {
			if !filepath.IsAbs(dir) {
				continue
			}
			name := filepath.Join(dir, file)
			err := executable(name)
			if err == nil {
				return name, nil
			}
			if errors.Is(err, fs.ErrPermission) {
				reason = fs.ErrPermission
			}
		}
	}
	return "", fmt.Errorf("find %q in %q: %w", file, path, reason)
}

// executable looks at the file's mode only: the component's user counts, not
// the one who asks.
func executable(name string) error {
	info, err := os.Stat(name)
	if err != nil {
		return err
	}
	if info.IsDir() || info.Mode().Perm()&0o111 == 0 {
		return fs.ErrPermission
	}
	return nil
}
