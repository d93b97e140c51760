package targets

import (
	"strconv"
	"time"
)

// Watchdog is the [watchdog] table: the hardware that resets the machine when it is not fed. The zero value is none.
type Watchdog struct {
	Device   string        // "" is no [watchdog]
	Timeout  time.Duration // whole seconds, as the kernel counts them
	Interval time.Duration // between two feedings; 0 is a quarter of Timeout
	Disarm   bool          // before reboot and kexec too
	Critical []string      // components without which it is not fed
}

// The bounds and defaults of a watchdog. Drivers hold the time-out in a number of seconds (watchdog-api.rst).
const (
	watchdogDevice  = "/dev/watchdog"
	watchdogTimeout = 30 * time.Second
	minFeeding      = 100 * time.Millisecond
	maxWatchdog     = 24 * time.Hour
)

// Every is the time between two feedings.
func (w *Watchdog) Every() time.Duration {
	if w.Interval == 0 {
		return w.Timeout / 4
	}
	return w.Interval
}

func (v value) watchdog(to *Watchdog) {
	*to = Watchdog{Device: watchdogDevice, Timeout: watchdogTimeout}
	readTable(v, watchdogFields(), to)
	interval, path := to.Every(), v.path()+".interval"
	switch {
	case interval >= to.Timeout:
		v.l.fault(path, atValue, interval.String()+" is not less than timeout, "+to.Timeout.String(), "a quarter of it is usual")
	case 2*interval > to.Timeout:
		where, key := v.l.find(path, atValue)
		v.l.add(Problem{
			File: where.file, Line: where.line, Col: where.col, Key: key, Severity: Notice,
			What: interval.String() + " is more than half of timeout, " + to.Timeout.String(), Hint: "one feeding that is late resets the machine",
		})
	}
}

func watchdogFields() []field[Watchdog] {
	return []field[Watchdog]{
		{"device", func(v value, w *Watchdog) { v.absolute(&w.Device) }},
		{"timeout", func(v value, w *Watchdog) { v.watchdogTimeout(&w.Timeout) }},
		{"interval", func(v value, w *Watchdog) { v.duration(&w.Interval, minFeeding) }},
		{"disarm_on_shutdown", func(v value, w *Watchdog) { v.bool(&w.Disarm) }},
		{"critical", func(v value, w *Watchdog) { v.names(&w.Critical) }},
	}
}

func (v value) watchdogTimeout(to *time.Duration) {
	d := *to
	v.duration(&d, time.Second)
	switch {
	case d%time.Second != 0:
		v.fault(d.String()+" is not in whole seconds", "a watchdog counts seconds")
	case d > maxWatchdog:
		v.fault(d.String()+" is too long", "at most "+maxWatchdog.String())
	default:
		*to = d
	}
}

// checkWatchdog looks for the critical components, and whether somebody wants them and knows how they are.
func (l *loader) checkWatchdog(g *Graph) {
	c := g.Config
	in := make([]bool, len(c.Components))
	for t := range c.Targets {
		for x, is := range g.Closure(t, nil).In {
			in[x] = in[x] || is
		}
	}
	for i, name := range c.Watchdog.Critical {
		path := element("watchdog.critical", i)
		x, known := c.Component(name)
		_, target := c.Target(name)
		switch {
		case target:
			l.fault(path, atValue, strconv.Quote(name)+" is a target", "name the components that count")
		case !known:
			l.fault(path, atValue, "no component is named "+strconv.Quote(name), c.meant(name, c.componentNames()))
		case c.Components[x].Detached:
			l.fault(path, atValue, strconv.Quote(name)+" is not supervised", `it has supervision = "none"`)
		case !in[x]:
			where, key := l.find(path, atValue)
			l.add(Problem{
				File: where.file, Line: where.line, Col: where.col, Key: key, Severity: Notice,
				What: strconv.Quote(name) + " is in no target", Hint: "it counts only once it has been started by hand",
			})
		}
	}
}

func (c *Config) componentNames() []string {
	names := make([]string, 0, len(c.Components))
	for i := range c.Components {
		names = append(names, c.Components[i].Name)
	}
	return names
}
