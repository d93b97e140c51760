package debian

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Kernel is a kernel of Debian, extracted.
type Kernel struct {
	Version string // as uname -r says
	Image   string // what QEMU loads
	Dir     string // holds lib/modules/VERSION, with the indexes of depmod(8)
}

// Modules is the directory of the kernel's modules on the host.
func (k Kernel) Modules() string { return filepath.Join(k.Dir, "usr/lib/modules", k.Version) }

// FetchKernel gets the newest kernel of a flavour ("cloud-arm64", "arm64", "armmp") into dir, unless it is there.
func FetchKernel(a *Apt, flavour, dir string) (Kernel, error) {
	if k, err := findKernel(dir); err == nil {
		return k, nil
	}
	name, err := a.Latest("linux-image-"+flavour, "linux-image-")
	if err != nil {
		return Kernel{}, err
	}
	work := dir + ".new"
	if err := os.RemoveAll(work); err != nil {
		return Kernel{}, err
	}
	if err := os.MkdirAll(work, 0o755); err != nil {
		return Kernel{}, err
	}
	deb, err := a.download(name, work)
	if err != nil {
		return Kernel{}, err
	}
	keep := func(path string) bool {
		return strings.HasPrefix(path, "boot/vmlinuz") || strings.HasPrefix(path, "usr/lib/modules/")
	}
	if err := Extract(deb, work, keep); err != nil {
		return Kernel{}, err
	}
	if err := os.Remove(deb); err != nil {
		return Kernel{}, err
	}
	version := strings.TrimPrefix(name, "linux-image-")
	// depmod looks in lib/modules
	if err := os.Symlink("usr/lib", filepath.Join(work, "lib")); err != nil {
		return Kernel{}, err
	}
	if err := Depmod(work, version); err != nil {
		return Kernel{}, err
	}
	if err := os.RemoveAll(dir); err != nil {
		return Kernel{}, err
	}
	if err := os.Rename(work, dir); err != nil {
		return Kernel{}, err
	}
	return findKernel(dir)
}

// Depmod writes the module indexes of the kernel below root (depmod(8)).
func Depmod(root, version string) error { return onHost().run("depmod", "-b", root, version) }

// findKernel is the kernel that was extracted to dir.
func findKernel(dir string) (Kernel, error) {
	images, err := filepath.Glob(filepath.Join(dir, "boot/vmlinuz-*"))
	if err != nil || len(images) != 1 {
		return Kernel{}, fmt.Errorf("find kernel in %s: %d images", dir, len(images))
	}
	return Kernel{Version: strings.TrimPrefix(filepath.Base(images[0]), "vmlinuz-"), Image: images[0], Dir: dir}, nil
}

// download gets one package without what it depends on into dir: apt-get download writes to where it is run.
func (a *Apt) download(name, dir string) (string, error) {
	if err := a.fresh(dir, "download", "-q", name); err != nil {
		return "", err
	}
	debs, err := filepath.Glob(filepath.Join(dir, name+"_*.deb"))
	if err != nil || len(debs) != 1 {
		return "", fmt.Errorf("download %s: %d files", name, len(debs))
	}
	return debs[0], nil
}
