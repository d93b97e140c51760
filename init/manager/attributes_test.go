package manager

import (
	"slices"
	"testing"

	"github.com/orderly-init/orderly/runtime"
	"github.com/orderly-init/orderly/targets"
)

// The configuration and the spawn list number limits and capabilities alike.
func TestNamesAgree(t *testing.T) {
	t.Parallel()
	has := func(s runtime.Spec, name string) {
		if !slices.ContainsFunc(s.Steps(runtime.Host{}), func(s runtime.Step) bool { return s.Name() == name }) {
			t.Errorf("no step %q", name)
		}
	}
	for n, name := range targets.LimitNames() {
		has(runtime.Spec{Limits: []runtime.Limit{{Resource: n}}}, "limit "+name)
	}
	for n, name := range targets.CapabilityNames() {
		has(runtime.Spec{Ambient: []int{n}}, "ambient capability "+name)
		has(runtime.Spec{Capabilities: []int{}}, "drop capability "+name)
	}
	for _, policy := range []string{"other", "batch", "idle"} {
		has(runtime.Spec{Scheduler: &runtime.Scheduler{Policy: policyNumber(policy)}}, "scheduler "+policy)
	}
	for _, policy := range []string{"fifo", "rr"} {
		has(runtime.Spec{Scheduler: &runtime.Scheduler{Policy: policyNumber(policy), Priority: 7}}, "scheduler "+policy+" 7")
	}
}
