package boot

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/orderly-init/orderly/runtime"
)

// Config is a component of this kind as plain data.
type Config struct {
	State       string   // the file that is shared with the boot loader
	Slots       []string // two or more
	Argument    string   // the word of the kernel command line that names the slot which runs
	CommandLine string   // where that is read, /proc/cmdline
	Try         string   // "" confirms; a slot, or "other", is to be tried by the next boot
	Tries       int      // how often
}

// New is the kind of one component.
func New(c Config) runtime.Kind { return kind{c} }

type kind struct{ Config }

// Make does the work: the process that follows has none.
func (k kind) Make(s *runtime.Spec) ([]int, error) {
	s.Actions = []runtime.Action{runtime.Nothing{}}
	running, err := k.running()
	if err != nil {
		return nil, err
	}
	st, err := read(k.State, running)
	if err != nil {
		return nil, err
	}
	if k.Try != "" {
		return nil, k.try(st, running)
	}
	return nil, k.confirm(st, running)
}

// running is the slot that was booted.
func (k kind) running() (string, error) {
	b, err := os.ReadFile(k.CommandLine)
	if err != nil {
		return "", fmt.Errorf("kernel command line: %w", err)
	}
	for word := range strings.FieldsSeq(string(b)) {
		if slot, ok := strings.CutPrefix(word, k.Argument+"="); ok {
			if !slices.Contains(k.Slots, slot) {
				return "", fmt.Errorf("kernel command line: %s is none of the slots %s", word, strings.Join(k.Slots, ", "))
			}
			return slot, nil
		}
	}
	return "", fmt.Errorf("kernel command line: there is no %s=; the boot loader has to say which slot runs", k.Argument)
}

// confirm keeps what runs, where it was on trial, and says so where it did not come to that.
func (k kind) confirm(st state, running string) error {
	switch {
	case running == st.Pending:
		return (&state{Slot: running, rest: st.rest}).write(k.State)
	case running != st.Slot:
		return fmt.Errorf("slot %s runs, and the boot state %s knows %q and %q only", running, k.State, st.Slot, st.Pending)
	case st.Pending != "" && st.Tries == 0:
		st.Failed, st.Pending = st.Pending, ""
		if err := st.write(k.State); err != nil {
			return err
		}
		return reverted(&st)
	case st.Failed != "":
		return reverted(&st)
	}
	return nil
}

func reverted(st *state) error {
	return fmt.Errorf("reverted to slot %s: slot %s did not confirm itself in any of its tries", st.Slot, st.Failed)
}

// errUnconfirmed forbids to try another slot out of one that is on trial itself: nothing would be left to fall back to.
var errUnconfirmed = errors.New("the slot that runs is on trial itself: it has to be confirmed first")

// try has the next boot take another slot.
func (k kind) try(st state, running string) error {
	slot := k.Try
	if slot == "other" {
		slot = k.Slots[(slices.Index(k.Slots, running)+1)%len(k.Slots)]
	}
	switch {
	case running == st.Pending:
		return errUnconfirmed
	case slot == running:
		return fmt.Errorf("slot %s runs already", slot)
	}
	return (&state{Slot: running, Pending: slot, Tries: k.Tries, rest: st.rest}).write(k.State)
}
