package debian

import (
	"archive/tar"
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestPathsOfAMergedUsr(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"./": "", "./bin/": "", "./bin/sh": "usr/bin/sh", "./sbin/ip": "usr/sbin/ip", "./lib/x/y": "usr/lib/x/y",
		"./usr/bin/x": "usr/bin/x", "./etc/passwd": "etc/passwd", "../../etc/x": "etc/x", "./libexec/x": "libexec/x",
	} {
		if got := merged(name); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}

// pack makes an archive of headers; a regular file's content is its name.
func pack(t *testing.T, headers ...tar.Header) *tar.Reader {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, h := range headers {
		if h.Typeflag == tar.TypeReg {
			h.Size = int64(len(h.Name))
		}
		h.Uid, h.Gid = os.Getuid(), os.Getgid()
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if h.Typeflag == tar.TypeReg {
			if _, err := w.Write([]byte(h.Name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return tar.NewReader(&b)
}

func TestUnpackKeepsModesAndLinks(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	in := pack(t,
		tar.Header{Typeflag: tar.TypeDir, Name: "./sbin/", Mode: 0o755},
		tar.Header{Typeflag: tar.TypeReg, Name: "./sbin/tool", Mode: 0o4755},
		tar.Header{Typeflag: tar.TypeLink, Name: "./sbin/same", Linkname: "./sbin/tool"},
		tar.Header{Typeflag: tar.TypeSymlink, Name: "./usr/bin/alias", Linkname: "../sbin/tool"},
		tar.Header{Typeflag: tar.TypeReg, Name: "./usr/share/doc/x", Mode: 0o644},
		tar.Header{Typeflag: tar.TypeDir, Name: "./var/private/", Mode: 0o700},
	)
	if err := unpack(in, root, func(path string) bool { return !strings.HasPrefix(path, "usr/share/doc") }); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"usr/sbin/tool", "usr/sbin/same", "usr/bin/alias"} {
		if got, err := os.ReadFile(filepath.Join(root, name)); err != nil || string(got) != "./sbin/tool" {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	for name, want := range map[string]os.FileMode{"usr/sbin/tool": os.ModeSetuid | 0o755, "var/private": os.ModeDir | 0o700} {
		if info, err := os.Stat(filepath.Join(root, name)); err != nil || info.Mode() != want {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
	}
	if _, err := os.Stat(filepath.Join(root, "usr/share/doc")); err == nil {
		t.Error("what is not kept was unpacked")
	}
}

func TestUnpackRefusesDevices(t *testing.T) {
	t.Parallel()
	in := pack(t, tar.Header{Typeflag: tar.TypeChar, Name: "./dev/null"})
	if err := unpack(in, t.TempDir(), func(string) bool { return true }); err == nil {
		t.Error("a device was accepted")
	}
}
