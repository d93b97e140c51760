package inspect

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/orderly-init/orderly/targets"
)

// tightenings are keys that close something, each written in its own way.
func tightenings() []struct {
	name string
	do   func(*targets.Component)
} {
	return []struct {
		name string
		do   func(*targets.Component)
	}{
		{"user", func(c *targets.Component) { c.User = "web" }},
		{"capabilities", func(c *targets.Component) { c.Security.Capabilities = []int{} }},
		{"fewer capabilities", func(c *targets.Component) {
			if len(c.Security.Capabilities) > 0 {
				c.Security.Capabilities = c.Security.Capabilities[1:]
			}
		}},
		{"fewer ambient capabilities", func(c *targets.Component) {
			if len(c.Security.AmbientCapabilities) > 0 {
				c.Security.AmbientCapabilities = c.Security.AmbientCapabilities[1:]
			}
		}},
		{"no_new_privileges", func(c *targets.Component) { c.Security.NoNewPrivileges = true }},
		{"seccomp", func(c *targets.Component) {
			if c.Security.Seccomp == "" {
				c.Security.Seccomp = "default"
			}
		}},
		{"own filter", func(c *targets.Component) {
			c.Security.Seccomp, c.Security.Filter = "x", &targets.Filter{Name: "x", Default: "errno"}
		}},
		{"landlock", func(c *targets.Component) {
			c.Security.Landlock = &targets.Landlock{Read: []string{"/etc"}, Write: []string{"/data"}, Execute: []string{"/usr"}, TCPBind: []int{80}}
		}},
		{"read_only_paths", func(c *targets.Component) {
			c.Security.ReadOnlyPaths = append(c.Security.ReadOnlyPaths, "/usr", "/etc")
		}},
		{"private_tmp", func(c *targets.Component) { c.Security.PrivateTmp = true }},
		{"private_devices", func(c *targets.Component) { c.Security.PrivateDevices = true }},
		{"label", func(c *targets.Component) { c.Security.AppArmorLabel = "web" }},
		{"securebits", func(c *targets.Component) { c.Security.Securebits |= 3 }},
		{"aslr", func(c *targets.Component) { c.Security.NoASLR = false }},
		{"terminal", func(c *targets.Component) { c.Terminal = "" }},
		{"umask", func(c *targets.Component) { c.Umask |= 0o027 }},
		{"resources", func(c *targets.Component) {
			n := int64(1 << 20)
			c.Resources.MemoryMax, c.Resources.PidsMax = &n, &n
		}},
		{"container", func(c *targets.Component) { c.Container = &targets.Container{Namespaces: []string{"mount"}} }},
		{"more namespaces", func(c *targets.Component) {
			if c.Container != nil {
				c.Container = &targets.Container{Namespaces: []string{"mount", "net", "user"}}
			}
		}},
		{"limits", func(c *targets.Component) {
			for i := range targets.LimitNames() {
				c.Limits = append(c.Limits, targets.Limit{Resource: i, Soft: 1, Hard: 1})
			}
		}},
	}
}

// Whatever a component has, a key that closes something never raises its score, and what is found adds up to the score.
func TestTighteningNeverRaises(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		config := &targets.Config{Control: targets.Control{Mode: rapid.SampledFrom([]uint32{0o666, 0o600}).Draw(t, "mode")}}
		all := tightenings()
		c := anyComponent(t)
		for _, i := range rapid.SliceOf(rapid.IntRange(0, len(all)-1)).Draw(t, "before") {
			all[i].do(&c)
		}
		before := exposureOf(config, &c)
		one := all[rapid.IntRange(0, len(all)-1).Draw(t, "tightening")]
		one.do(&c)
		after := exposureOf(config, &c)
		if after.Score > before.Score || before.Score < 0 || before.Score > 10 {
			t.Fatalf("%s: %v before, %v after", one.name, before, after)
		}
		sum := 0.0
		for _, f := range after.Findings {
			sum += f.Points
		}
		if d := sum - after.Score; d > 0.2 || d < -0.2 {
			t.Fatalf("findings are %v of %v", sum, after.Score)
		}
	})
}

func anyComponent(t *rapid.T) targets.Component {
	c := targets.Component{Name: "web"}
	caps := rapid.SliceOfDistinct(rapid.IntRange(0, len(targets.CapabilityNames())-1), rapid.ID[int])
	c.Terminal = rapid.SampledFrom([]string{"", "/dev/tty1"}).Draw(t, "terminal")
	c.Umask = rapid.Uint32Range(0, 0o777).Draw(t, "umask")
	c.Security.NoASLR = rapid.Bool().Draw(t, "aslr")
	c.Scheduling.Policy = rapid.SampledFrom([]string{"", "fifo"}).Draw(t, "policy")
	if rapid.Bool().Draw(t, "has capabilities") {
		c.Security.Capabilities = caps.Draw(t, "capabilities")
		c.Security.AmbientCapabilities = c.Security.Capabilities[:rapid.IntRange(0, len(c.Security.Capabilities)).Draw(t, "ambient")]
	}
	return c
}

// The ends of the scale: nothing written, everything written, and a built-in action, which runs nothing.
func TestScale(t *testing.T) {
	t.Parallel()
	config := &targets.Config{Control: targets.Control{Mode: 0o666, ReadGroup: "look"}}
	c := targets.Component{Name: "web"}
	c.Terminal = "/dev/tty1"
	c.Security.NoASLR, c.Scheduling.Policy = true, "fifo"
	if e := exposureOf(config, &c); e.Score != 10 || e.Level != "unsafe" {
		t.Errorf("everything open: %+v", e)
	}
	for _, x := range tightenings() {
		x.do(&c)
	}
	if e := exposureOf(config, &c); e.Score != 0 || len(e.Findings) > 0 {
		t.Errorf("everything closed: %+v", e)
	}
	action := targets.Component{Name: "dirs"}
	action.Action = []string{"mkdir", "/data"}
	if e := exposureOf(config, &action); e.Score != 0 {
		t.Errorf("an action: %+v", e)
	}
}
