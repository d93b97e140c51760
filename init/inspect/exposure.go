package inspect

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"github.com/orderly-init/orderly/targets"
)

// Exposure says how much of the machine an attacker has who has taken over one component.
type Exposure struct {
	Name     string    `json:"name"`
	Score    float64   `json:"exposure"` // 0.0 safe to 10.0 exposed
	Level    string    `json:"level"`    // safe, ok, medium, exposed, unsafe
	Findings []Opening `json:"findings"` // those that cost most first
}

// Opening is one thing that is open to the attacker.
type Opening struct {
	Key    string  `json:"key"`
	Points float64 `json:"points"` // of the score
	What   string  `json:"what"`
	Write  string  `json:"write"` // what closes it
}

// Exposures scores every component, the most exposed first.
func Exposures(config *targets.Config) []Exposure {
	list := make([]Exposure, 0, len(config.Components))
	for i := range config.Components {
		list = append(list, exposureOf(config, &config.Components[i]))
	}
	slices.SortStableFunc(list, func(a, b Exposure) int { return cmp.Compare(b.Score, a.Score) })
	return list
}

func exposureOf(config *targets.Config, c *targets.Component) Exposure {
	e := Exposure{Name: c.Name, Findings: []Opening{}}
	var sum, all float64
	for _, x := range exposureChecks() {
		all += x.weight
		open := 0.0
		if c.Action == nil { // a built-in action runs no program that could be taken over
			open = x.open(config, c)
		}
		if open > 0 {
			sum += x.weight * open
			e.Findings = append(e.Findings, Opening{Key: x.path(c), Points: x.weight * open, What: x.what, Write: x.write})
		}
	}
	for i := range e.Findings {
		e.Findings[i].Points = tenths(10*e.Findings[i].Points/all, 2)
	}
	slices.SortStableFunc(e.Findings, func(a, b Opening) int { return cmp.Compare(b.Points, a.Points) })
	e.Score = tenths(10*sum/all, 1)
	e.Level = level(e.Score)
	return e
}

// tenths rounds to so many digits.
func tenths(x float64, digits int) float64 {
	unit := math.Pow10(digits)
	return math.Round(x*unit) / unit
}

func level(score float64) string {
	switch {
	case score < 2:
		return "safe"
	case score < 5:
		return "ok"
	case score < 7:
		return "medium"
	case score < 9:
		return "exposed"
	}
	return "unsafe"
}

// isRoot says whether it is the machine's root: in a user namespace nobody is.
func isRoot(c *targets.Component) bool {
	return (c.User == "" || c.User == "root" || c.User == "0") && !owns(c, "user")
}

// owns says whether it has a namespace of its own.
func owns(c *targets.Component, kind string) bool {
	return c.Container != nil && slices.Contains(c.Container.Namespaces, kind)
}

// share is 1 for yes.
func share(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}

// byUser halves what only root can do in full.
func byUser(c *targets.Component, open float64) float64 {
	if isRoot(c) {
		return open
	}
	return open / 2
}

// held are the capabilities in effect: root has those that are left to it, others what is ambient (capabilities(7)).
func held(c *targets.Component) float64 {
	if isRoot(c) {
		return capabilityShare(c.Security.Capabilities)
	}
	if len(c.Security.AmbientCapabilities) == 0 {
		return 0
	}
	return capabilityShare(c.Security.AmbientCapabilities)
}

// capabilityShare weighs a set of capabilities against all; nil is all.
func capabilityShare(set []int) float64 {
	if set == nil {
		return 1
	}
	var sum, all float64
	for n, name := range targets.CapabilityNames() {
		cost := capabilityCost(name)
		all += cost
		if slices.Contains(set, n) {
			sum += cost
		}
	}
	return sum / all
}

// capabilityCost weighs a capability: 10 is as good as the whole machine, 4 a good part of it.
func capabilityCost(name string) float64 {
	const whole = " sys_admin sys_module sys_rawio sys_ptrace dac_override setuid setgid setfcap mac_admin bpf "
	const much = " dac_read_search fowner chown mknod net_admin sys_boot sys_chroot mac_override setpcap perfmon sys_time "
	switch {
	case strings.Contains(whole, " "+name+" "):
		return 10
	case strings.Contains(much, " "+name+" "):
		return 4
	}
	return 1
}

// filtered is how much of the kernel a system call filter leaves.
func filtered(s *targets.Security) float64 {
	switch {
	case s.Seccomp == "":
		return 1
	case s.Filter == nil: // "default", which is made for containers of all kinds
		return 0.3
	case s.Filter.Default == "allow": // a list of what is forbidden is never complete
		return 0.6
	}
	return 0
}

// unconfined is how much of the files and of TCP Landlock leaves; of a container the files are its own, and perhaps the network.
func unconfined(c *targets.Component) float64 {
	most := 1.0
	switch {
	case owns(c, "net"):
		most = 0.1
	case c.Container != nil:
		most = 0.2
	}
	l := c.Security.Landlock
	if l == nil {
		return most
	}
	return min(most, 0.4*share(l.Write == nil)+0.3*share(l.Read == nil)+0.2*share(l.Execute == nil)+
		0.1*share(l.TCPBind == nil && l.TCPConnect == nil))
}

// writable is how much of the system's files could be overwritten.
func writable(c *targets.Component) float64 {
	s := &c.Security
	if c.Container != nil || slices.Contains(s.ReadOnlyPaths, "/") || s.Landlock != nil && s.Landlock.Write != nil {
		return 0
	}
	open := 1.0
	for _, p := range []string{"/usr", "/etc"} {
		if slices.Contains(s.ReadOnlyPaths, p) {
			open -= 0.4
		}
	}
	return byUser(c, open)
}

// unlimited is how much of the machine's resources could be eaten up: by limits of each process, or of the whole cgroup.
func unlimited(c *targets.Component) float64 {
	open := 1.0
	for name, group := range map[string]*int64{"nproc": c.Resources.PidsMax, "as": c.Resources.MemoryMax} {
		number := slices.Index(targets.LimitNames(), name)
		limit := func(l targets.Limit) bool { return l.Resource == number && l.Hard != targets.Unlimited }
		if slices.ContainsFunc(c.Limits, limit) || group != nil && *group >= 0 {
			open -= 0.5
		}
	}
	return open
}

// commanding is how much of Orderly the control socket gives.
func commanding(config *targets.Config, c *targets.Component) float64 {
	g := config.Control.Group
	switch {
	case c.Container != nil: // the socket is not in it
		return 0
	case isRoot(c), g != "" && (c.Group == g || slices.Contains(c.SupplementaryGroups, g)):
		return 1
	case config.Control.ReadGroup == "" && config.Control.Mode&0o006 != 0:
		return 0.3
	}
	return 0
}
