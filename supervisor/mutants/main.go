package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

func main() {
	seeds := flag.Int("seeds", 3000, "play so many seeds of the simulation over each fault")
	only := flag.String("only", "", "those whose file or reason has this word")
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
	tried, wrong := 0, 0
	for _, m := range all() {
		if !strings.Contains(m.file+": "+m.why, only) {
			continue
		}
		tried++
		v, err := j.try(&m)
		text := v.String()
		if err != nil {
			text = err.Error()
		}
		if err != nil || !v.killed() {
			wrong++
		}
		fmt.Printf("%-26s %s: %s\n", m.file, m.why, text)
	}
	fmt.Printf("%d faults, %d killed\n", tried, tried-wrong)
	if wrong > 0 {
		return fmt.Errorf("%d faults of %d are not killed", wrong, tried)
	}
	return nil
}
