package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
)

// build makes a test program of each package, with all faults in it. Program and changed files lie in dir.
func build(root, dir string, list []mutant) error {
	overlay, err := overlayOf(root, dir, list)
	if err != nil {
		return err
	}
	for _, pkg := range []string{"supervisor", "supervisor/sim", "targets"} {
		cmd := exec.Command("go", "test", "-c", "-overlay="+overlay, "-vet=off", "-o", program(dir, pkg), "./"+pkg)
		cmd.Dir = root
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("build the tests of %s with the faults: %w\n%s", pkg, err, out)
		}
	}
	return nil
}

func program(dir, pkg string) string { return filepath.Join(dir, path.Base(pkg)+".test") }

// overlayOf writes the changed files into dir, and the list of them for the build. It returns the path of that.
func overlayOf(root, dir string, list []mutant) (string, error) {
	files := map[string]numbered{}
	for i := range list {
		m := &list[i]
		if files[m.file] == nil {
			files[m.file] = numbered{}
		}
		files[m.file][i+1] = m
	}
	replace, written := map[string]string{}, 0
	put := func(name, text string) error {
		written++
		to := filepath.Join(dir, fmt.Sprintf("%d.go", written))
		replace[filepath.Join(root, name)] = to
		return os.WriteFile(to, []byte(text), 0o600)
	}
	for file, faults := range files {
		text, err := os.ReadFile(filepath.Join(root, file))
		if err != nil {
			return "", err
		}
		changed, err := weave(file, string(text), faults)
		if err != nil {
			return "", err
		}
		pkg := path.Dir(file)
		if err := put(file, changed); err != nil {
			return "", err
		}
		if err := put(pkg+"/fault_switch.go", fmt.Sprintf(switchText, pkg)); err != nil {
			return "", err
		}
	}
	b, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	to := filepath.Join(dir, "overlay.json")
	return to, os.WriteFile(to, b, 0o600)
}
