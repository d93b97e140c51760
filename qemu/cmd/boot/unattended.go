package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/orderly-init/orderly/qemu/guest"
)

// unattended shows the boot until the run target is reached, and powers off.
func unattended(o guest.Options, target string) error {
	if target != "" {
		o.Append = append(o.Append, "orderly.target="+target)
	}
	begin := time.Now()
	g, err := guest.Start(o, os.Stdout)
	if err != nil {
		return err
	}
	defer g.Kill()
	state, err := settle(g, target)
	if err != nil {
		return err
	}
	took := time.Since(begin).Round(10 * time.Millisecond)
	table, err := g.Run(limit, "/sbin/orderly", "status")
	if err != nil {
		return err
	}
	fmt.Printf("%s\nboot: target %s is reached (%s), %v after power on\n", table.Out, state.Target, state.State, took)
	if _, err := g.Run(limit, "/sbin/orderly", "poweroff"); err != nil {
		// the machine may be gone before the answer comes
		fmt.Printf("boot: %v\n", err)
	}
	return g.Wait(limit)
}

// status is what is used of `orderly status --json`.
type status struct{ Target, State string }

// settle waits until the boot is over, and says in which target.
func settle(g *guest.Guest, target string) (status, error) {
	const pause = 200 * time.Millisecond
	var last string
	for late := time.Now().Add(limit); time.Now().Before(late); time.Sleep(pause) {
		r, err := g.Run(limit, "/sbin/orderly", "status", "--json")
		if err != nil {
			return status{}, err
		}
		var s status
		if r.Exit != 0 {
			last = r.Err
			continue
		}
		if err := json.Unmarshal([]byte(r.Out), &s); err != nil {
			return s, fmt.Errorf("read the status: %w", err)
		}
		last = s.State + " in " + s.Target
		switch {
		case s.Target == "": // the machine is still being brought up
		case s.State == "settled", s.State == "degraded":
			if target != "" && s.Target != target {
				return s, errors.New("the machine ended up in target " + s.Target)
			}
			return s, nil
		case s.State == "fallback", s.State == "shutdown":
			return s, errors.New("the target was not reached: " + last)
		}
	}
	return status{}, errors.New("the target was not reached: " + last)
}

func port(address string) string {
	_, port, _ := net.SplitHostPort(address)
	return port
}
