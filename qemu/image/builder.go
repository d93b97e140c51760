package image

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/qemu/debian"
	"github.com/orderly-init/orderly/qemu/guest"
)

// Builder builds images below one directory of the repository.
type Builder struct {
	repo string
	dir  string
	lock *os.File
	say  func(string)
}

// Open finds the repository from the working directory upwards, installs missing tools, and locks the build
// directory until Close. What takes long is told to say, which may be nil.
func Open(say func(string)) (*Builder, error) {
	if say == nil {
		say = func(string) {}
	}
	repo, err := repository()
	if err != nil {
		return nil, err
	}
	b := &Builder{repo: repo, dir: filepath.Join(repo, "build"), say: say}
	if err := os.MkdirAll(filepath.Join(b.dir, "bin"), 0o755); err != nil {
		return nil, err
	}
	if b.lock, err = os.OpenFile(filepath.Join(b.dir, "lock"), os.O_RDWR|os.O_CREATE, 0o644); err != nil {
		return nil, err
	}
	if err := unix.Flock(int(b.lock.Fd()), unix.LOCK_EX); err != nil {
		b.lock.Close()
		return nil, fmt.Errorf("lock %s: %w", b.dir, err)
	}
	if missing := debian.Missing(); len(missing) > 0 {
		say("installing " + strings.Join(missing, " "))
	}
	if err := debian.InstallTools(); err != nil {
		b.lock.Close()
		return nil, err
	}
	return b, nil
}

// Close lets others build.
func (b *Builder) Close() { b.lock.Close() }

func repository() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", errors.New("find the repository: no go.mod above the working directory")
		}
		dir = filepath.Dir(dir)
	}
}

func (b *Builder) path(parts ...string) string {
	return filepath.Join(slices.Concat([]string{b.dir}, parts)...)
}

// Binary builds a command of the repository, static, for an architecture of Go; arm is v7.
func (b *Builder) Binary(folder, arch string) (string, error) {
	name := filepath.Base(folder)
	if folder == "init" {
		name = "orderly"
	}
	out := b.path("bin", name+"-"+arch)
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w"+entry(folder), "-o", out, "./"+folder)
	cmd.Dir = b.repo
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+arch, "GOARM=7")
	if text, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build %s for %s: %w\n%s", folder, arch, err, bytes.TrimSpace(text))
	}
	return out, nil
}

// entry is the linker's flag for where Orderly begins, as in the Makefile.
func entry(folder string) string {
	if folder == "init" {
		return " -E=_orderly_start"
	}
	return ""
}

// Arch is an architecture of guests.
type Arch struct {
	Go      string // as Go says it
	Debian  string // as Debian says it
	flavour string // of its kernel
	machine guest.Machine
}

// Machine is the kind of machine that the architecture's kernel is booted on.
func (a Arch) Machine() guest.Machine { return a.machine }

// ARM64 has the small kernel for clouds, which has all that a virtual machine needs.
func ARM64() Arch { return Arch{Go: "arm64", Debian: "arm64", flavour: "cloud-arm64"} }

// ARM is armv7 with its own kernel.
func ARM() Arch { return Arch{Go: "arm", Debian: "armhf", flavour: "armmp", machine: guest.ARM} }

// ARM64Full has the kernel for boards, which knows the power button.
func ARM64Full() Arch { return Arch{Go: "arm64", Debian: "arm64", flavour: "arm64"} }

// ArchOf is the architecture that Go calls so.
func ArchOf(name string) (Arch, error) {
	for _, a := range []Arch{ARM64(), ARM()} {
		if a.Go == name {
			return a, nil
		}
	}
	return Arch{}, fmt.Errorf("architecture %s: must be arm64 or arm", name)
}

// Kernel fetches the architecture's kernel, unless it is there.
func (b *Builder) Kernel(a Arch) (debian.Kernel, error) {
	apt, err := b.apt(a)
	if err != nil {
		return debian.Kernel{}, err
	}
	dir := b.path("kernel-" + a.flavour)
	if _, err := os.Stat(dir); err != nil {
		b.say("fetching Debian's kernel, " + a.flavour)
	}
	return debian.FetchKernel(apt, a.flavour, dir)
}

// apt knows the packages of an architecture. What only maintainer scripts need is taken as installed: the scripts do
// not run.
func (b *Builder) apt(a Arch) (*debian.Apt, error) {
	return debian.OpenApt(b.path("apt-"+a.Debian), a.Debian,
		"adduser", "debconf", "dpkg", "init-system-helpers", "passwd", "perl", "perl-base", "sensible-utils", "tar",
		"tzdata", "ucf", "usr-is-merged", "usrmerge")
}
