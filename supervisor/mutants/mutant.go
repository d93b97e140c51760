package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// mutant is one fault.
type mutant struct {
	file  string // below the root of the module
	right string // stands in the file once
	wrong string // takes its place
	why   string // what goes wrong with it
}

// all is every fault, in the order in which they are tried.
func all() []mutant {
	var list []mutant
	for _, part := range [][]mutant{orderFaults(), stopFaults(), failureFaults(), ladderFaults(), transitionFaults(),
		handFaults(), applyFaults(), factsFaults(), restoreFaults(), heartbeatFaults(), conditionFaults(), graphFaults()} {
		list = append(list, part...)
	}
	return list
}

// mutate returns the file as it is with the fault.
func (m *mutant) mutate(root string) ([]byte, error) {
	text, err := os.ReadFile(filepath.Join(root, m.file))
	if err != nil {
		return nil, err
	}
	if n := strings.Count(string(text), m.right); n != 1 {
		return nil, fmt.Errorf("%s: %q stands there %d times, not once", m.file, m.right, n)
	}
	return []byte(strings.Replace(string(text), m.right, m.wrong, 1)), nil
}

// overlay writes the wrong file into dir, and beside it what tells the build to take it. It returns the path of that.
func (m *mutant) overlay(root, dir string) (string, error) {
	text, err := m.mutate(root)
	if err != nil {
		return "", err
	}
	wrong := filepath.Join(dir, "wrong.go")
	if err := os.WriteFile(wrong, text, 0o600); err != nil {
		return "", err
	}
	list, err := json.Marshal(map[string]map[string]string{"Replace": {filepath.Join(root, m.file): wrong}})
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "overlay.json")
	return path, os.WriteFile(path, list, 0o600)
}
