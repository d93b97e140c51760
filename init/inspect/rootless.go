package inspect

import (
	"github.com/orderly-init/orderly/targets"
)

// Rootless finds the keys that need root, for an Orderly that an ordinary user runs. It refuses a configuration with the first three;
// the others fail at the start of the component, unless they are optional steps.
func Rootless(config *targets.Config, user string) []targets.Finding {
	var found []targets.Finding
	for i := range config.Components {
		c := &config.Components[i]
		for _, n := range needs(c, user) {
			if !n.has {
				continue
			}
			f := targets.Finding{Path: c.Key(n.key), What: "needs root", Hint: "leave the key out", Severity: targets.Fault}
			if !n.refused {
				f.What, f.Severity = "needs a privilege that an ordinary user does not have", targets.Notice
			}
			found = append(found, f)
		}
	}
	return found
}

type need struct {
	key     string
	refused bool
	has     bool
}

func needs(c *targets.Component, user string) []need {
	s, p := &c.Security, &c.Scheduling
	return []need{
		{"user", true, c.User != "" && c.User != user},
		{"group", true, c.Group != ""},
		{"supplementary_groups", true, c.SupplementaryGroups != nil},
		{"terminal", false, c.Terminal != ""},
		{"scheduling.policy", false, p.Policy == "fifo" || p.Policy == "rr" || p.Policy == "deadline"},
		{"scheduling.nice", false, p.Nice != nil && *p.Nice < 0},
		{"scheduling.io_class", false, p.IOClass == "realtime"},
		{"scheduling.oom_score_adjust", false, p.OOMScoreAdjust != nil && *p.OOMScoreAdjust < 0},
		{"security.capabilities", false, s.Capabilities != nil},
		{"security.ambient_capabilities", false, len(s.AmbientCapabilities) > 0},
		{"security.securebits", false, s.Securebits != 0},
		{"security.read_only_paths", false, len(s.ReadOnlyPaths) > 0},
		{"security.private_tmp", false, s.PrivateTmp},
		{"security.private_devices", false, s.PrivateDevices},
	}
}
