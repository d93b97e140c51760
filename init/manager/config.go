package manager

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/orderly-init/orderly/init/boot"
	"github.com/orderly-init/orderly/init/keeper"
	"github.com/orderly-init/orderly/internal/durable"
	"github.com/orderly-init/orderly/supervisor"
	"github.com/orderly-init/orderly/targets"
)

// obtain finds the configuration: the one that was running (R18), else what is on the disk, else, as PID 1, the last
// one that reached its target, else the rescue.
func (m *Manager) obtain(held int) error {
	if held >= 0 {
		return m.running(held)
	}
	line := boot.CommandLine{}
	if m.PID1 {
		line = boot.ReadCommandLine()
		if line.Rescue {
			m.remark("rescue: asked for on the kernel command line")
			return m.rescue(line, nil)
		}
	}
	config, sources, problems := m.read()
	if config != nil {
		return m.use(config, sources)
	}
	if !m.PID1 {
		return problems
	}
	for _, p := range problems {
		m.voice.line(targets.Error, "configuration", p.String())
	}
	return m.lastResortConfig(line, problems)
}

// read loads what is on the disk now; config is nil where it has errors.
func (m *Manager) read() (*targets.Config, []targets.Source, targets.Problems) {
	sources, problems := targets.ReadSources(m.Config...)
	if problems.Fatal() {
		return nil, nil, problems
	}
	if len(sources) == 0 {
		return nil, nil, append(problems, targets.Problem{What: fmt.Sprintf("no configuration in %v", m.Config)})
	}
	config, more := targets.Load(sources)
	problems = append(problems, more...)
	if config != nil && !m.root {
		problems = append(problems, unprivileged(config, os.Geteuid())...)
	}
	if problems.Fatal() {
		return nil, nil, problems
	}
	return config, sources, problems
}

// unprivileged finds what the kernel allows only root: an ordinary user's Orderly refuses it at once, and not when
// the component is to start.
func unprivileged(config *targets.Config, uid int) targets.Problems {
	var problems targets.Problems
	for i := range config.Components {
		c := &config.Components[i]
		for key, set := range map[string]bool{
			"user": c.User != "" && c.User != strconv.Itoa(uid), "group": c.Group != "", "supplementary_groups": c.SupplementaryGroups != nil,
			"container.network": c.Container.Joined(),
		} {
			if set {
				problems = append(problems, targets.Problem{
					Key: "component." + c.Name + "." + key, What: "needs root, and Orderly runs as user " + strconv.Itoa(uid), Hint: "leave the key out",
				})
			}
		}
		if t := c.Container; c.RootDirectory != "" || t != nil && t.Bundle == "" && !slices.Contains(t.Namespaces, "user") {
			problems = append(problems, targets.Problem{
				Key: "component." + c.Name, What: "another root needs root, and Orderly runs as user " + strconv.Itoa(uid),
				Hint: `a container can have a user namespace: add "user" to its namespaces`,
			})
		}
	}
	slices.SortFunc(problems, func(a, b targets.Problem) int { return strings.Compare(a.Key, b.Key) })
	return problems
}

// lastResortConfig is for a machine that must come up although its configuration is broken.
func (m *Manager) lastResortConfig(line boot.CommandLine, problems targets.Problems) error {
	if b, err := os.ReadFile(boot.LastGood("")); err == nil {
		if last, err := unbundled(b); err == nil {
			m.remark("the configuration is invalid: the last one that reached its target is used")
			return m.use(last.config, last.sources)
		}
	}
	m.remark("rescue: the configuration is invalid and there is none that ever reached its target")
	return m.rescue(line, problems)
}

// rescue uses the built-in configuration.
func (m *Manager) rescue(line boot.CommandLine, problems targets.Problems) error {
	var lines []string
	for _, p := range problems {
		lines = append(lines, p.String())
	}
	rescue, err := m.rescueConfig(line, lines)
	if err != nil {
		return err
	}
	return m.use(rescue.config, rescue.sources)
}

// rescueConfig is the built-in configuration, and begins the time within which somebody should come.
func (m *Manager) rescueConfig(line boot.CommandLine, why []string) (swap, error) {
	m.inRescue(line)
	return unbundled(targets.Bundle(boot.Rescue(line, why)))
}

func (m *Manager) inRescue(line boot.CommandLine) {
	m.rescued = true
	if _, after := boot.RescueAnswer(line); after > 0 {
		m.in(after, m.rescueOver)
		m.remark(fmt.Sprintf("rescue: reboots in %v unless %s exists", after, stayFile))
	}
}

// stayFile keeps a machine in the rescue: a person is at work.
const stayFile = "/run/orderly/stay"

// rescueOver reboots a machine whose rescue nobody has answered: it may come up well the next time.
func (m *Manager) rescueOver() {
	if _, err := os.Stat(stayFile); err == nil {
		m.system(targets.Info, "rescue: "+stayFile+" exists: no reboot")
		return
	}
	const why = "rescue: nobody came"
	m.system(targets.Warning, why+": reboot")
	m.post(supervisor.Shutdown{End: supervisor.Reboot, Why: why})
}

// use makes a configuration the running one and has the keeper hold it.
func (m *Manager) use(config *targets.Config, sources []targets.Source) error {
	m.config, m.sources = config, sources
	return m.entrust(keeper.Configuration, targets.Bundle(sources))
}

// running reads the configuration that an earlier manager used.
func (m *Manager) running(fd int) error {
	bundle, err := entrusted(fd)
	if err != nil {
		return err
	}
	now, err := unbundled(bundle)
	if err != nil {
		return fmt.Errorf("running configuration: %w", err)
	}
	m.config, m.sources = now.config, now.sources
	if m.PID1 && boot.IsRescue(m.sources) {
		m.inRescue(boot.ReadCommandLine())
	}
	return nil
}

// unproved says that the running configuration is to be saved once it has reached its target.
func (m *Manager) unproved() bool {
	return m.PID1 && !m.rescued && !m.saved && m.trial.until == 0
}

// proved saves the configuration that has just reached its target, off the loop: a disk can be slow.
func (m *Manager) proved() {
	m.saved = true
	path, blob := boot.LastGood(m.config.StateDirectory), targets.Bundle(m.sources)
	m.work.Go(func() {
		if err := durable.Save(path, blob, 0o600); err != nil {
			m.loop.Post(func() { m.say(targets.Warning, "orderly", 0, "last good configuration not saved: "+err.Error()) })
		}
	})
}
