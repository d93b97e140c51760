package sim

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/orderly-init/orderly/targets"
)

// land is where a seed's configurations come from. Its components are listed so that one depends only on earlier ones,
// which is not the order of their names.
type land struct {
	seed    uint64
	names   []string
	targets []string
	level   []int           // by target: it names components before this place
	without map[string]bool // left out to make a failing run smaller
	fixed   *targets.Config // instead of chance, for tests
}

func newLand(seed uint64, without map[string]bool) *land {
	d := throw(seed, "land")
	l := &land{seed: seed, without: without}
	for i := range 2 + d.below(7) {
		l.names = append(l.names, string(rune('a'+i)))
	}
	d.r.Shuffle(len(l.names), func(i, j int) { l.names[i], l.names[j] = l.names[j], l.names[i] })
	for t := range 1 + d.below(4) {
		l.targets = append(l.targets, fmt.Sprint("T", t))
		l.level = append(l.level, 1+d.below(len(l.names)))
	}
	return l
}

// version is the newest generation, up to the given one, at which something changed.
func (l *land) version(what, name string, generation, percent int) int {
	for g := generation; g > 0; g-- {
		if throw(l.seed, what, name, g).chance(percent) {
			return g
		}
	}
	return 0
}

// back is where a third of the applied configurations want to go back to.
func (l *land) back(generation int) string {
	if generation%3 != 0 || len(l.targets) == 0 {
		return ""
	}
	return l.targets[0]
}

// config is the land's configuration at a generation: each Apply goes to another one.
func (l *land) config(generation int) *targets.Config {
	if l.fixed != nil {
		return l.fixed
	}
	c := &targets.Config{}
	there := map[string]bool{}
	for i, name := range l.names {
		if throw(l.seed, "absent", name, l.version("come", name, generation, 30)).chance(12) || l.without[name] {
			continue
		}
		there[name] = true
		c.Components = append(c.Components, l.component(i, generation))
	}
	for t, name := range l.targets {
		v := l.version("target come", name, generation, 30)
		if t > 0 && throw(l.seed, "target absent", name, v).chance(8) || l.without[name] {
			continue
		}
		there[name] = true
		c.Targets = append(c.Targets, l.target(t, generation))
	}
	l.whole(c, throw(l.seed, "whole", l.version("whole", "", generation, 20)))
	slices.SortFunc(c.Components, func(a, b targets.Component) int { return strings.Compare(a.Name, b.Name) })
	clean(c, there)
	l.replacements(c)
	l.criticals(c)
	l.conflicts(c, generation)
	return c
}

func (l *land) whole(c *targets.Config, d dice) {
	c.ShutdownTimeout = one(d, 2*time.Second, 10*time.Second, 30*time.Second)
	c.OnFallbackFailure = targets.FallbackReboot
	if d.chance(50) {
		c.FallbackTarget = one(d, l.targets...)
	}
	if d.chance(5) {
		c.ShutdownTimeout = 0
	}
}

func (l *land) component(place, generation int) targets.Component {
	name := l.names[place]
	version := l.version("definition", name, generation, 25)
	d := throw(l.seed, "component", name, version)
	c := targets.Component{Name: name, StopSignal: 15, SuccessExitCodes: []int{0}}
	c.StartTimeout = d.span(100*time.Millisecond, 4*time.Second)
	c.StopTimeout = d.span(50*time.Millisecond, 3*time.Second)
	c.Ready.When = one(d, targets.Notified, targets.Notified, targets.FD, targets.Started)
	if d.chance(8) {
		c.StartTimeout = 0
	}
	if d.chance(10) {
		c.StopTimeout = 0
	}
	if d.chance(30) {
		c.Kind, c.Ready.When = targets.Oneshot, targets.Exited
	}
	if d.chance(30) {
		c.StopCommand = []string{"stop"}
	}
	if d.chance(30) {
		c.ReloadSignal = 1
	}
	if d.chance(30) {
		c.ReloadCommand = []string{"reload"}
	}
	c.OnDependencyFailure = one(d, targets.Leave, targets.Leave, targets.RestartIt, targets.StopIt)
	c.Recovery = l.recovery(d)
	c.Edges = l.edges(place, d)
	l.answers(&c, place, version)
	if throw(l.seed, "reboot", name, version).chance(3) {
		c.Recovery.Then = targets.Reboot
	}
	c.StartConditions = l.startConditions(place, version)
	l.raising(&c, version)
	if d.chance(70) { // else only keys have changed that a start does not use
		c.Start = uint64(version)
	}
	if c.Heartbeat.Via != targets.ViaNothing { // how a run beats is settled when it begins
		c.Start = 1<<32 + uint64(version)
	}
	l.forks(&c, version)
	return c
}

func (l *land) recovery(d dice) targets.Recovery {
	return targets.Recovery{
		Action:     one(d, targets.Restart, targets.Restart, targets.Restart, targets.Restart, targets.Escalate, targets.Activate, targets.Stop, targets.Retry),
		Attempts:   d.below(5),
		Window:     d.span(time.Second, time.Minute),
		Delay:      d.span(0, 500*time.Millisecond),
		Backoff:    one(d, 1.0, 1.5, 2.0, 3.0),
		MaxDelay:   d.span(500*time.Millisecond, 10*time.Second),
		ResetAfter: d.span(0, time.Minute),
		Jitter:     one(d, 0, 0, 0.5),
		Then:       one(d, targets.Escalate, targets.Escalate, targets.Escalate, targets.Activate, targets.Stop, targets.Retry),
		Target:     one(d, l.targets...),
	}
}

// edges go to earlier components, and to targets that name only earlier ones.
func (l *land) edges(place int, d dice) targets.Edges {
	var e targets.Edges
	add := func(roll int, name string) {
		switch {
		case roll < 14:
			e.DependsOn = append(e.DependsOn, name)
		case roll < 21:
			e.DependsOnAny = append(e.DependsOnAny, name)
		case roll < 28:
			e.Wants = append(e.Wants, name)
		case roll < 33:
			e.After = append(e.After, name)
		}
	}
	for _, name := range l.names[:place] {
		add(d.below(100), name)
	}
	for t, name := range l.targets {
		if l.level[t] <= place {
			add(d.below(300), name)
		}
	}
	return e
}

func (l *land) target(t, generation int) targets.Target {
	name := l.targets[t]
	d := throw(l.seed, "target", name, l.version("target", name, generation, 20))
	x := targets.Target{Name: name}
	if d.chance(30) {
		x.TransitionTimeout = d.span(100*time.Millisecond, 10*time.Second)
	}
	if d.chance(50) {
		x.Recovery = one(d, l.targets...)
	}
	add := func(name string) {
		if d.chance(65) {
			x.DependsOn = append(x.DependsOn, name)
			return
		}
		x.Wants = append(x.Wants, name)
	}
	for _, name := range l.names[:l.level[t]] {
		if d.chance(45) {
			add(name)
		}
	}
	for other := range t {
		if l.level[other] <= l.level[t] && d.chance(20) {
			add(l.targets[other])
		}
	}
	return x
}

// clean takes out every name that is not there, as a checked configuration has none.
func clean(c *targets.Config, there map[string]bool) {
	keep := func(list []string) []string {
		return slices.DeleteFunc(list, func(name string) bool { return !there[name] })
	}
	edges := func(e *targets.Edges) {
		e.DependsOn, e.DependsOnAny, e.Wants, e.After = keep(e.DependsOn), keep(e.DependsOnAny), keep(e.Wants), keep(e.After)
	}
	for i := range c.Components {
		edges(&c.Components[i].Edges)
		if r := &c.Components[i].Recovery; !there[r.Target] {
			r.Target = ""
		}
	}
	for i := range c.Targets {
		edges(&c.Targets[i].Edges)
		if !there[c.Targets[i].Recovery] {
			c.Targets[i].Recovery = ""
		}
	}
	if !there[c.FallbackTarget] {
		c.FallbackTarget = ""
	}
}

// conflicts adds some where no closure holds both: else the configuration would not load (R7).
func (l *land) conflicts(c *targets.Config, generation int) {
	for i, a := range l.names {
		d := throw(l.seed, "conflict", a, l.version("conflict", a, generation, 20))
		if i == 0 || !d.chance(25) {
			continue
		}
		x, okX := c.Component(a)
		y, okY := c.Component(l.names[d.below(i)])
		if okX && okY && !together(targets.NewGraph(c), x, y) {
			c.Components[x].Conflicts = []string{c.Components[y].Name}
		}
	}
}

func together(g *targets.Graph, x, y int) bool {
	both := func(in []bool) bool { return in[x] && in[y] }
	for t := range g.Config.Targets {
		if both(g.Closure(t, replacing(g, t)).In) {
			return true
		}
	}
	for c := range g.Config.Components {
		if both(g.Closure(-1, []int{c}).In) {
			return true
		}
	}
	return false
}
