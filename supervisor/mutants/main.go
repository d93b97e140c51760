package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
)

func main() {
	seeds := flag.Int("seeds", 3000, "play so many seeds of the simulation over each fault")
	only := flag.String("only", "", "those whose file and reason match this expression")
	both := flag.Bool("both", false, "run the tables also where the simulation has found the fault")
	flag.Parse()
	if err := run(*only, judges{seeds: *seeds, both: *both}); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(only string, j judges) error {
	root, err := exec.Command("go", "list", "-m", "-f={{.Dir}}").Output()
	if err != nil {
		return fmt.Errorf("find the module: %w", err)
	}
	dir, err := os.MkdirTemp("", "mutants")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	j.root, j.dir = strings.TrimSpace(string(root)), dir
	list := all()
	if err := build(j.root, dir, list); err != nil {
		return err
	}
	return j.tryAll(list, only)
}

// tryAll first makes sure that without a fault nothing fails.
func (j *judges) tryAll(list []mutant, only string) error {
	for _, pkg := range []string{"supervisor", "targets"} {
		v, err := j.try(0, pkg)
		if err != nil {
			return err
		}
		if v.killed() {
			return fmt.Errorf("without a fault the tests of %s fail: %v", pkg, v)
		}
	}
	some, err := regexp.Compile(only)
	if err != nil {
		return err
	}
	tried, killed := 0, 0
	for i, m := range list {
		if !some.MatchString(m.file + ": " + m.why) {
			continue
		}
		v, err := j.try(i+1, m.pkg())
		if err != nil {
			return err
		}
		tried++
		if v.killed() {
			killed++
		}
		fmt.Printf("%-26s %s: %s\n", m.file, m.why, v)
	}
	fmt.Printf("%d faults, %d killed\n", tried, killed)
	if killed < tried {
		return fmt.Errorf("%d faults of %d are not killed", tried-killed, tried)
	}
	return nil
}
