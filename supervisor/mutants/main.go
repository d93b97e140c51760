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
	from := flag.Int("from", 0, "leave out so many of the first")
	every := flag.Int("every", 1, "of those behind take every so manieth")
	both := flag.Bool("both", false, "run the tables also where the simulation has found the fault")
	flag.Parse()
	list := chosen(all(), *from, *every, *only)
	if err := run(list, judges{seeds: *seeds, both: *both}); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// chosen are the faults that are to be tried.
func chosen(list []mutant, from, every int, only string) []mutant {
	var some []mutant
	for i, m := range list {
		if i >= from && (i-from)%max(every, 1) == 0 && strings.Contains(m.file+": "+m.why, only) {
			some = append(some, m)
		}
	}
	return some
}

func run(list []mutant, j judges) error {
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
	wrong := 0
	for _, m := range list {
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
	fmt.Printf("%d faults, %d killed\n", len(list), len(list)-wrong)
	if wrong > 0 {
		return fmt.Errorf("%d faults of %d are not killed", wrong, len(list))
	}
	return nil
}
