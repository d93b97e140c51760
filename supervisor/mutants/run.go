package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
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

// try makes fault n and runs the simulation, and the tables when that sees nothing. Fault 0 is none.
func (j *judges) try(n int, pkg string) (v verdict, err error) {
	if pkg == "supervisor" {
		v.sim, err = j.test(n, "supervisor/sim", "-test.run=TestSeeds$|TestKnown$", "-workers=1", fmt.Sprint("-seeds=", j.seeds))
	}
	if err == nil && (v.sim == "" || j.both) {
		v.table, err = j.test(n, pkg, unkept(pkg)...)
	}
	return v, err
}

// unkept lets property tests keep no file of what a fault broke.
func unkept(pkg string) []string {
	if pkg == "targets" {
		return []string{"-rapid.nofailfile"}
	}
	return nil
}

// test runs the tests of one package and returns the one that failed; "" is none.
func (j *judges) test(n int, pkg string, args ...string) (string, error) {
	cmd := exec.Command(program(j.dir, pkg), append([]string{"-test.failfast", "-test.timeout=2m"}, args...)...)
	cmd.Dir = filepath.Join(j.root, pkg)
	cmd.Env = append(os.Environ(), fmt.Sprint(faultVariable, "=", n))
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return "", nil
	case !errors.As(err, &exit):
		return "", err
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

func (m *mutant) pkg() string { return path.Dir(m.file) }
