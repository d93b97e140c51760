package debian

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
)

// tool is a program of the host and the package that brings it.
type tool struct{ program, pkg string }

func tools() []tool {
	return []tool{
		{"qemu-system-aarch64", "qemu-system-arm"}, {"qemu-system-arm", "qemu-system-arm"},
		{"depmod", "kmod"}, {"mke2fs", "e2fsprogs"}, {"e2fsck", "e2fsprogs"}, {"debugfs", "e2fsprogs"}, {"dumpe2fs", "e2fsprogs"},
		{"mkfs.vfat", "dosfstools"}, {"fsck.vfat", "dosfstools"}, {"mkfs.f2fs", "f2fs-tools"}, {"fsck.f2fs", "f2fs-tools"},
		{"dpkg-deb", "dpkg"}, {"ssh-keygen", "openssh-client"}, {"ssh", "openssh-client"}, {"mmdebstrap", "mmdebstrap"},
	}
}

// Missing are the packages of the host that are needed and not there, sorted.
func Missing() []string {
	var missing []string
	for _, t := range tools() {
		if _, err := exec.LookPath(Program(t.program)); err != nil {
			missing = append(missing, t.pkg)
		}
	}
	slices.Sort(missing)
	return slices.Compact(missing)
}

// Program is the path of a program, also of one that only root's PATH has.
func Program(name string) string {
	if path, err := exec.LookPath(name); err == nil {
		return path
	}
	for _, dir := range []string{"/usr/sbin/", "/sbin/"} {
		if _, err := os.Stat(dir + name); err == nil {
			return dir + name
		}
	}
	return name
}

// InstallTools installs on the host what is missing there, which needs root.
func InstallTools() error {
	missing, host := Missing(), onHost()
	if len(missing) == 0 {
		return nil
	}
	install := append([]string{"install", "-y", "-q", "--no-install-recommends"}, missing...)
	if host.run("apt-get", install...) == nil {
		return nil
	}
	// the host's package lists may be missing or old
	if err := host.run("apt-get", "update", "-q"); err != nil {
		return err
	}
	return host.run("apt-get", install...)
}

// place is where a program of the host runs.
type place struct {
	dir string   // "" is the caller's
	env []string // beside the caller's
}

func onHost() place { return place{} }

// run runs a program; its output is shown only in the error.
func (p place) run(name string, args ...string) error {
	_, err := p.output(name, args...)
	return err
}

func (p place) output(name string, args ...string) (string, error) {
	cmd := exec.Command(Program(name), args...)
	cmd.Dir = p.dir
	cmd.Env = slices.Concat(os.Environ(), []string{"DEBIAN_FRONTEND=noninteractive", "LC_ALL=C"}, p.env)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%s %s: %w\n%s%s", name, strings.Join(args, " "), err, tail(out.Bytes()), tail(errs.Bytes()))
	}
	return out.String(), nil
}

// tail is the end of an output, where the error stands.
func tail(b []byte) []byte {
	const most = 2000
	if len(b) > most {
		return b[len(b)-most:]
	}
	return b
}
