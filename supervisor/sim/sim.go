package sim

import (
	"fmt"

	"github.com/orderly-init/orderly/targets"
)

// options narrow or disturb a run; the zero value is the seed as it is.
type options struct {
	skip    map[int]bool    // actions of the script that are left out
	without map[string]bool // components and targets that are left out
	config  *targets.Config // instead of the land's
	script  []action        // instead of the land's
	fault   fault
}

// Violation is a broken rule.
type Violation struct {
	Seed uint64
	Rule string // one of the words in doc.go
	Text string
}

func (v *Violation) Error() string {
	return fmt.Sprintf("seed %d breaks %q: %s", v.Seed, v.Rule, v.Text)
}

// Run plays a seed and returns its story: one line per event and effect. An error is a *Violation, and then the story is of
// the smallest run that was found to break the same rule.
func Run(seed uint64) (story []byte, err error) {
	text, v := once(seed, options{})
	if v == nil {
		return text, nil
	}
	return shrink(seed, v)
}

func once(seed uint64, o options) ([]byte, *Violation) {
	p := newPlay(seed, o)
	p.run()
	return p.story.text, p.judge.err
}

// shrink leaves out actions, components and targets as long as the same rule breaks.
func shrink(seed uint64, v *Violation) ([]byte, error) {
	o := options{skip: map[int]bool{}, without: map[string]bool{}}
	l := newLand(seed, nil)
	story, _ := once(seed, o)
	try := func() bool {
		text, found := once(seed, o)
		if found == nil || found.Rule != v.Rule {
			return false
		}
		story, v = text, found
		return true
	}
	for smaller := true; smaller; {
		smaller = false
		for i := range l.script() {
			if o.skip[i] {
				continue
			}
			o.skip[i] = true
			if try() {
				smaller = true
			} else {
				delete(o.skip, i)
			}
		}
		for _, name := range append(append([]string{}, l.names...), l.targets...) {
			if o.without[name] {
				continue
			}
			o.without[name] = true
			if try() {
				smaller = true
			} else {
				delete(o.without, name)
			}
		}
	}
	return story, v
}
