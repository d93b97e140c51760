package oracle

import (
	"fmt"

	"github.com/orderly-init/orderly/control"
)

// Compare holds what is reported of all components to the processes below the keeper.
func Compare(components []control.Component, list []Process) (wrong []string) {
	reported := map[string]bool{}
	for _, c := range components {
		reported[c.Name] = true
		wrong = append(wrong, claims(c, list)...)
	}
	for _, p := range list {
		if p.Alive() && p.Component != "" && !reported[p.Component] {
			wrong = append(wrong, fmt.Sprintf("process %d is of %s, which is not reported", p.PID, p.Component))
		}
	}
	return wrong
}

// claims holds what is said of one component to the processes.
func claims(c control.Component, list []Process) (wrong []string) {
	main := false
	for _, p := range list {
		if p.Component != c.Name || !p.Alive() {
			continue
		}
		main = main || p.PID == c.PID
		switch c.State {
		case "down", "waiting", "backoff", "failed":
			wrong = append(wrong, fmt.Sprintf("%s is %s and has process %d", c.Name, c.State, p.PID))
		default:
			if p.Run != c.Run {
				wrong = append(wrong, fmt.Sprintf("%s is run %d and has process %d of run %d", c.Name, c.Run, p.PID, p.Run))
			}
		}
	}
	if c.PID != 0 && !main {
		wrong = append(wrong, fmt.Sprintf("%s is %s with process %d, which is not there", c.Name, c.State, c.PID))
	}
	if c.State == "ready" && c.PID == 0 && c.Exit == nil {
		wrong = append(wrong, c.Name+" is ready without a process")
	}
	return wrong
}
