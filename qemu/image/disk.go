package image

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/orderly-init/orderly/qemu/debian"
)

// Copy is a disk of its own for one guest, whose file a test looks at afterwards.
func Copy(disk, to string) error { return host("cp", "--sparse=always", disk, to) }

func built(disk, stamp string) bool {
	_, err := os.Stat(disk)
	have, readErr := os.ReadFile(disk + ".stamp")
	return err == nil && readErr == nil && string(have) == stamp
}

// digest is a digest of a text and of files, those below directories too.
func digest(text string, paths ...string) (string, error) {
	sum := sha256.New()
	io.WriteString(sum, text)
	for _, root := range paths {
		err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
			if err != nil || !e.Type().IsRegular() {
				return err
			}
			data, err := os.ReadFile(path)
			fmt.Fprintf(sum, "\x00%s\x00%d\x00", strings.TrimPrefix(path, root), len(data))
			sum.Write(data)
			return err
		})
		if err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// makeDisk makes an ext4 image of a tree; the file is sparse.
func makeDisk(tree, disk, label string, megabytes int) error {
	work := disk + ".new"
	if err := os.RemoveAll(work); err != nil {
		return err
	}
	if err := host("mke2fs", "-q", "-t", "ext4", "-m", "0", "-L", label, "-E", "root_owner=0:0", "-d", tree, work,
		fmt.Sprintf("%dM", megabytes)); err != nil {
		return err
	}
	if err := ownedByRoot(tree, work); err != nil {
		return err
	}
	return os.Rename(work, disk)
}

// ownedByRoot makes root the owner of every file in an image that somebody else has built.
func ownedByRoot(tree, disk string) error {
	if os.Geteuid() == 0 {
		return nil
	}
	var commands strings.Builder
	err := filepath.WalkDir(tree, func(path string, _ fs.DirEntry, err error) error {
		name := strings.TrimPrefix(path, tree)
		if err == nil && name != "" {
			fmt.Fprintf(&commands, "set_inode_field \"%s\" uid 0\nset_inode_field \"%s\" gid 0\n", name, name)
		}
		return err
	})
	if err != nil {
		return err
	}
	script := disk + ".owners"
	if err := os.WriteFile(script, []byte(commands.String()), 0o644); err != nil {
		return err
	}
	return errors.Join(host("debugfs", "-w", "-f", script, disk), os.Remove(script))
}

// host runs a program of the host.
func host(name string, args ...string) error {
	text, err := exec.Command(debian.Program(name), args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, bytes.TrimSpace(text))
	}
	return nil
}
