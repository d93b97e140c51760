package main

import (
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"strings"
)

// judges run the tests.
type judges struct {
	root, dir string
	seeds     int
	both      bool
}

// verdict is what was found: by which rule of the simulation and by which table test, "" for not at all.
type verdict struct{ sim, table string }

func (v verdict) killed() bool { return v.sim != "" || v.table != "" }

func (v verdict) String() string {
	switch {
	case !v.killed():
		return "SURVIVED"
	case v.sim == "":
		return "table " + v.table
	case v.table == "":
		return "sim " + v.sim
	}
	return "sim " + v.sim + ", table " + v.table
}

// try makes the fault and runs the simulation, and the tables when that sees nothing.
func (j *judges) try(m *mutant) (verdict, error) {
	overlay, err := m.overlay(j.root, j.dir)
	if err != nil {
		return verdict{}, err
	}
	var v verdict
	if strings.HasPrefix(m.file, "supervisor/") {
		v.sim, err = j.test(overlay, "./supervisor/sim", "-run=TestSeeds$|TestKnown$", "-workers=1", fmt.Sprint("-seeds=", j.seeds))
	}
	if err == nil && (v.sim == "" || j.both) {
		v.table, err = j.test(overlay, "./"+m.file[:strings.IndexByte(m.file, '/')])
	}
	return v, err
}

// test runs the tests of one package and returns the one that failed; "" is none.
func (j *judges) test(overlay, pkg string, args ...string) (string, error) {
	cmd := exec.Command("go", append([]string{"test", "-overlay=" + overlay, "-vet=off", "-count=1", "-failfast", "-timeout=2m", "-ldflags=-s -w", pkg}, args...)...)
	cmd.Dir = j.root
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return "", nil
	case !errors.As(err, &exit):
		return "", err
	case strings.Contains(string(out), "[build failed]") || strings.Contains(string(out), "[setup failed]"):
		return "", fmt.Errorf("does not compile: %s", out)
	}
	return failure(string(out)), nil
}

// failure names what failed: the broken rule of the simulation, or the innermost test.
func failure(out string) string {
	if rule := regexp.MustCompile(`breaks "([^"]+)"`).FindStringSubmatch(out); rule != nil {
		return rule[1]
	}
	if strings.Contains(out, "panic: test timed out") {
		return "without end"
	}
	if tests := regexp.MustCompile(`--- FAIL: (\S+)`).FindAllStringSubmatch(out, -1); tests != nil {
		name := tests[0][1]
		for _, t := range tests {
			if strings.HasPrefix(t[1], name) {
				name = t[1]
			}
		}
		return name
	}
	if strings.Contains(out, "panic: ") || strings.Contains(out, "fatal error: ") {
		return "panic"
	}
	return "a test"
}
