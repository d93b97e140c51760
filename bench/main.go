package main

import (
	"flag"
	"fmt"
	"os"
	"strings"

	"github.com/orderly-init/orderly/qemu/guest"
)

func main() {
	quick := flag.Bool("quick", false, "fewer components and rounds")
	only := flag.String("only", "", "run only the workload of this name: "+strings.Join(names(), ", "))
	gate := flag.Bool("gate", false, "run only the guest, and fail above its gate")
	keep := flag.Bool("keep", false, "keep the directory of the run")
	within := flag.Bool("inside", false, "be the program that measures in the guest of the workload crun")
	starts, crowd := flag.Int("starts", 1, "inside: of one container"), flag.Int("crowd", 1, "inside: containers at once")
	flag.Parse()
	if *within {
		inside(*starts, *crowd)
	}
	if err := run(*quick, *only, *gate, *keep); err != nil {
		fmt.Fprintf(os.Stderr, "bench: %v\n", err)
		os.Exit(1)
	}
}

// workload is one group of lines of the table.
type workload struct {
	name string
	run  func(*lab) ([]row, error)
}

// workloads are in the order of the table.
func workloads() []workload {
	return []workload{
		{"wide", wide}, {"chain", chain}, {"restart", restart}, {"activate", activate}, {"memory", memory},
		{"idle", idle}, {"heartbeat", heartbeat}, {"load", load}, {"containers", containers}, {"guest", inGuest}, {"crun", besideCrun},
	}
}

func names() []string {
	var list []string
	for _, w := range workloads() {
		list = append(list, w.name)
	}
	return list
}

func run(quick bool, only string, gate, keep bool) error {
	if gate {
		return atGate()
	}
	l, err := open(quick)
	if err != nil {
		return err
	}
	if keep {
		fmt.Println("kept in", l.dir)
	} else {
		defer l.close()
	}
	before := hostLoad()
	var t table
	for _, w := range workloads() {
		if only != "" && only != w.name {
			continue
		}
		fmt.Fprintf(os.Stderr, "bench: %s\n", w.name)
		rows, err := w.run(l)
		if err != nil {
			return fmt.Errorf("%s: %w", w.name, err)
		}
		t = append(t, rows...)
	}
	if len(t) == 0 {
		return fmt.Errorf("no workload %q; there are %s", only, strings.Join(names(), ", "))
	}
	t.print(os.Stdout)
	fmt.Printf("load of the host: %s before, %s after\n", before, hostLoad())
	return nil
}

// atGate is the guest alone: the figure that does not depend on the host.
func atGate() error {
	b, err := guestBoot(1, guest.CountSleeping)
	if err != nil {
		return err
	}
	r := b.row()
	table{r}.print(os.Stdout)
	if r.got > guestGate {
		return fmt.Errorf("the guest took %.1f ms, the gate is %d ms", r.got, guestGate)
	}
	return nil
}
