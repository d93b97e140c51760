package debian

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Extract unpacks a package below root; keep says which paths. Directories that Debian has merged into /usr end up
// there. Owners are those of the archive where the caller is root.
func Extract(deb, root string, keep func(path string) bool) error {
	cmd := exec.Command(Program("dpkg-deb"), "--fsys-tarfile", deb)
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("extract %s: %w", filepath.Base(deb), err)
	}
	unpackErr := unpack(tar.NewReader(out), root, keep)
	_, _ = io.Copy(io.Discard, out)
	if err := errors.Join(unpackErr, cmd.Wait()); err != nil {
		return fmt.Errorf("extract %s: %w", filepath.Base(deb), err)
	}
	return nil
}

func unpack(in *tar.Reader, root string, keep func(string) bool) error {
	for {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		path := merged(h.Name)
		if path == "" || !keep(path) {
			continue
		}
		if err := put(in, h, root, path); err != nil {
			return err
		}
	}
}

// merged is the path of a file of a package in a system with a merged /usr, without the leading "./".
func merged(name string) string {
	path := strings.TrimPrefix(filepath.Clean("/"+name), "/")
	for _, dir := range []string{"bin", "sbin", "lib"} {
		if path == dir {
			return ""
		}
		if strings.HasPrefix(path, dir+"/") {
			return "usr/" + path
		}
	}
	return path
}

// put makes one file of an archive.
func put(in io.Reader, h *tar.Header, root, name string) error {
	path := filepath.Join(root, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	mode := h.FileInfo().Mode()
	switch h.Typeflag {
	case tar.TypeDir:
		if err := os.MkdirAll(path, 0o755); err != nil {
			return err
		}
	case tar.TypeSymlink:
		if err := os.Symlink(h.Linkname, path); err != nil && !errors.Is(err, os.ErrExist) {
			return err
		}
		return own(path, h)
	case tar.TypeLink:
		// the archive names the other file from its root
		return os.Link(filepath.Join(root, merged(h.Linkname)), path)
	case tar.TypeReg:
		if err := write(in, path); err != nil {
			return err
		}
	default:
		return fmt.Errorf("%s: unexpected type %q", h.Name, h.Typeflag)
	}
	if err := own(path, h); err != nil {
		return err
	}
	// after the owner: chown clears the set-user-ID bit (chown(2))
	if err := os.Chmod(path, mode); err != nil {
		return err
	}
	return os.Chtimes(path, h.ModTime, h.ModTime)
}

func write(in io.Reader, path string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, in)
	return errors.Join(err, f.Close())
}

func own(path string, h *tar.Header) error {
	if os.Geteuid() != 0 {
		return nil
	}
	return os.Lchown(path, h.Uid, h.Gid)
}
