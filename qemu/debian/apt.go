package debian

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Apt is a private apt for one architecture. It shares with the host's apt the sources, the keys and the way to the
// network, and nothing else.
type Apt struct {
	dir  string
	arch string
	fake []string // packages that count as installed, so that they are not fetched
}

// OpenApt makes or re-uses the private apt in dir. Packages that are declared installed satisfy dependencies and are
// never downloaded.
func OpenApt(dir, arch string, installed ...string) (*Apt, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	a := &Apt{dir: dir, arch: arch, fake: installed}
	for _, d := range []string{"state/lists/partial", "cache/archives/partial", "empty"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o755); err != nil {
			return nil, err
		}
	}
	settings, err := a.settings()
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(dir, "apt.conf"), []byte(settings), 0o644); err != nil {
		return nil, err
	}
	return a, os.WriteFile(filepath.Join(dir, "status"), []byte(a.status()), 0o644)
}

// settings is the apt.conf(5). The host's own parts are left out, hooks of other programs stand there; what they say
// about the network is carried over.
func (a *Apt) settings() (string, error) {
	var b strings.Builder
	dump, err := onHost().output("apt-config", "dump")
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(dump) {
		if strings.HasPrefix(line, "Acquire::http") || strings.HasPrefix(line, "Acquire::Retries") {
			b.WriteString(line)
		}
	}
	for _, s := range [][2]string{
		{"Dir::State", a.dir + "/state"}, {"Dir::State::status", a.dir + "/status"}, {"Dir::Cache", a.dir + "/cache"},
		{"Dir::Etc::Parts", a.dir + "/empty"}, {"Dir::Etc::Preferences", "/dev/null"},
		{"Dir::Etc::PreferencesParts", a.dir + "/empty"}, {"APT::Architecture", a.arch}, {"APT::Architectures", a.arch},
		{"APT::Sandbox::User", "root"}, {"APT::Install-Recommends", "false"}, {"Acquire::Languages", "none"},
		{"Acquire::IndexTargets::deb::DEP-11::DefaultEnabled", "false"},
	} {
		fmt.Fprintf(&b, "%s %q;\n", s[0], s[1])
	}
	return b.String(), nil
}

func (a *Apt) status() string {
	var b strings.Builder
	for _, p := range a.fake {
		fmt.Fprintf(&b, "Package: %s\nStatus: install ok installed\nArchitecture: %s\nMulti-Arch: foreign\n"+
			"Version: 999999\nMaintainer: nobody\nDescription: taken as installed\n\n", p, a.arch)
	}
	return b.String()
}

func (a *Apt) at(dir string) place {
	return place{dir: dir, env: []string{"APT_CONFIG=" + a.dir + "/apt.conf"}}
}

// fresh runs an apt-get command in dir, once more with new lists if it fails. An index of a suite that is being
// published can be out of step with its signature; that is an error only if the package is then not found.
func (a *Apt) fresh(dir string, args ...string) error {
	p := a.at(dir)
	lists, _ := filepath.Glob(a.dir + "/state/lists/*_Packages*")
	if len(lists) > 0 && p.run("apt-get", args...) == nil {
		return nil
	}
	_ = p.run("apt-get", "update", "-q")
	return p.run("apt-get", args...)
}

// Resolve downloads packages with all that they depend on, and returns the files, sorted.
func (a *Apt) Resolve(packages ...string) ([]string, error) {
	// the cache holds exactly the files of this call afterwards
	if err := a.at("").run("apt-get", "clean"); err != nil {
		return nil, err
	}
	args := append([]string{"install", "-q", "-y", "--download-only", "--no-install-recommends"}, packages...)
	if err := a.fresh("", args...); err != nil {
		return nil, err
	}
	debs, err := filepath.Glob(a.dir + "/cache/archives/*.deb")
	if err == nil && len(debs) == 0 {
		err = fmt.Errorf("download %s: no files", strings.Join(packages, " "))
	}
	slices.Sort(debs)
	return debs, err
}

// Latest is the package that a meta package depends on, whose name begins with prefix.
func (a *Apt) Latest(meta, prefix string) (string, error) {
	if err := a.fresh("", "install", "-q", "-s", "--no-install-recommends", meta); err != nil {
		return "", err
	}
	text, err := a.at("").output("apt-cache", "depends", meta)
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(text) {
		name, ok := strings.CutPrefix(strings.TrimSpace(line), "Depends: ")
		if ok && strings.HasPrefix(name, prefix) {
			return name, nil
		}
	}
	return "", fmt.Errorf("resolve %s: it depends on no %s*", meta, prefix)
}
