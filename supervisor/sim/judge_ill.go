package sim

import (
	"slices"
	"strings"

	"github.com/orderly-init/orderly/targets"
)

// vital is what the judge knows of a component for the watchdog (R15).
type vital struct {
	served  bool // it has been ready since it became wanted
	missing bool // it was, fell by its own failure, and nobody has asked for anything since
}

// criticals names some components for the watchdog. They change nothing but the answer to one question, and are chosen by
// dice of their own.
func (l *land) criticals(c *targets.Config) {
	for i := range c.Components {
		name := c.Components[i].Name
		if throw(l.seed, "critical", name).chance(40) {
			c.Watchdog.Critical = append(c.Watchdog.Critical, name)
		}
	}
}

func (p *play) ill() string {
	if p.fault.ill != nil {
		return p.fault.ill(p.machine)
	}
	return p.machine.Ill()
}

// fallen notes that a component that was ready has failed, as surely as it can be told.
func (s *shadow) fallen() {
	if s.fell && s.served() && s.vital.served {
		s.vital.missing = true
	}
}

// illness holds the machine's own word for the watchdog to what was told: it is ill for a critical component that was ready, is
// wanted and is not ready, and for nothing else; a stop in order may be none, a failure is one.
func (j *judge) illness() {
	critical := j.p.machine.Graph().Config.Watchdog.Critical
	text := j.p.ill()
	for _, s := range j.units {
		s.follow()
		if s.vital.missing && !j.ending && text == "" && slices.Contains(critical, s.name) {
			j.fail("ill", "%s has failed and is %s, and the watchdog is fed", s.name, stored(s.state))
		}
	}
	if text == "" {
		return
	}
	name, _, _ := strings.Cut(strings.TrimPrefix(text, "critical component "), " ")
	i := slices.IndexFunc(j.units, func(s *shadow) bool { return s.name == name && !s.removed })
	switch {
	case i < 0 || !slices.Contains(critical, name):
		j.fail("ill", "%q, which is none of %v", text, critical)
	case j.ending:
		j.fail("ill", "%q in a shutdown", text)
	case !j.units[i].vital.served || j.units[i].ready():
		j.fail("ill", "%q, and it is %s", text, stored(j.units[i].state))
	}
}

// follow brings what is known up to the end of a step.
func (s *shadow) follow() {
	switch {
	case !s.willBe:
		s.vital = vital{}
	case s.served():
		s.vital = vital{served: true}
	case s.test.skipped:
		s.vital.missing = false
	}
}

// believed takes what a restored machine says: of whom it is not known whether he was ready before.
func (s *shadow) believed() { s.vital = vital{served: true} }
