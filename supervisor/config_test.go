package supervisor

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/orderly-init/orderly/targets"
)

// readConfig adds one line of a script's configuration: "NAME key=value...", where a target's name is in capitals,
// and "-" sets what belongs to the whole. A component that is there is changed.
func readConfig(config *targets.Config, line string) error {
	words := strings.Fields(line)
	if words[0] == "-" {
		return each(words[1:], func(key, value string) error { return setWhole(config, key, value) })
	}
	if words[0] == strings.ToUpper(words[0]) {
		t := targets.Target{Name: words[0]}
		config.Targets = slices.DeleteFunc(slices.Clone(config.Targets), func(x targets.Target) bool { return x.Name == t.Name })
		err := each(words[1:], func(key, value string) error { return setTarget(&t, key, value) })
		config.Targets = append(config.Targets, t)
		return err
	}
	c := component(words[0])
	config.Components = slices.Clone(config.Components)
	if i := slices.IndexFunc(config.Components, func(x targets.Component) bool { return x.Name == c.Name }); i >= 0 {
		c = config.Components[i]
		config.Components = slices.Delete(config.Components, i, i+1)
	}
	err := each(words[1:], func(key, value string) error { return setComponent(&c, key, value) })
	config.Components = append(config.Components, c)
	return err
}

// component is a component with the defaults of the configuration's contract.
func component(name string) targets.Component {
	return targets.Component{
		Name: name, StartTimeout: 10 * time.Second, StopTimeout: 10 * time.Second, StopSignal: 15, SuccessExitCodes: []int{0},
		Ready: targets.Ready{When: targets.Notified},
		Recovery: targets.Recovery{Attempts: 10, Window: time.Minute, Delay: 100 * time.Millisecond, Backoff: 2,
			MaxDelay: 10 * time.Second, ResetAfter: time.Minute, Then: targets.Escalate},
	}
}

func each(words []string, set func(key, value string) error) error {
	for _, word := range words {
		key, value, _ := strings.Cut(word, "=")
		if err := set(key, value); err != nil {
			return err
		}
	}
	return nil
}

func setWhole(config *targets.Config, key, value string) error {
	var err error
	switch key {
	case "fallback":
		config.FallbackTarget = value
	case "critical":
		config.Watchdog.Critical = strings.Split(value, ",")
	case "resort":
		config.OnFallbackFailure = map[string]targets.FallbackAction{"watchdog": targets.FallbackWatchdog}[value]
	case "shutdown_timeout":
		config.ShutdownTimeout, err = time.ParseDuration(value)
	default:
		err = fmt.Errorf("unknown key %s", key)
	}
	return err
}

func setTarget(t *targets.Target, key, value string) error {
	var err error
	switch key {
	case "needs":
		t.DependsOn = strings.Split(value, ",")
	case "wants":
		t.Wants = strings.Split(value, ",")
	case "timeout":
		t.TransitionTimeout, err = time.ParseDuration(value)
	case "recovery":
		t.Recovery = value
	default:
		err = fmt.Errorf("unknown key %s", key)
	}
	return err
}

func setComponent(c *targets.Component, key, value string) error {
	list := strings.Split(value, ",")
	var err error
	switch key {
	case "needs":
		c.DependsOn = list
	case "any":
		c.DependsOnAny = list
	case "wants":
		c.Wants = list
	case "after":
		c.After = list
	case "conflicts":
		c.Conflicts = list
	case "oneshot":
		c.Kind, c.Ready.When = targets.Oneshot, targets.Exited
	case "success":
		c.SuccessExitCodes, err = numbersOf(list)
	case "ready":
		c.Ready.When, c.Ready.Condition = targets.Raised, value
	case "pid_file":
		c.PIDFile = value
	case "forked":
		c.PIDFile, c.Ready.When = value, targets.Forked
	case "detached":
		c.Detached = true
	case "started":
		c.Ready.When = targets.Started
	case "on_failure":
		c.OnDependencyFailure = map[string]targets.OnFailure{"leave": targets.Leave, "restart": targets.RestartIt, "stop": targets.StopIt}[value]
	case "start_timeout":
		c.StartTimeout, err = time.ParseDuration(value)
	case "stop_timeout":
		c.StopTimeout, err = time.ParseDuration(value)
	case "stop_command":
		c.StopCommand = list
	case "reload_signal":
		c.ReloadSignal, err = strconv.Atoi(value)
	case "reload_command":
		c.ReloadCommand = list
	case "conditions":
		c.StartConditions, err = readConditions(list)
	case "digest":
		c.Start, err = strconv.ParseUint(value, 10, 64)
	case "heartbeat":
		c.Heartbeat.Via, c.AbortSignal = targets.ViaFD, 6
		c.Heartbeat.Min = max(c.Heartbeat.Min, 1)
		c.Heartbeat.Window, err = time.ParseDuration(value)
	case "min":
		c.Heartbeat.Min, err = strconv.Atoi(value)
	case "max":
		c.Heartbeat.Max, err = strconv.Atoi(value)
	case "tolerance":
		c.Heartbeat.Tolerance, err = strconv.Atoi(value)
	case "no_restart":
		c.NoRestartExitCodes, err = numbersOf(list)
	case "reboot":
		c.RebootExitCodes, err = numbersOf(list)
	default:
		if key, early := strings.CutPrefix(key, "start_"); early {
			r := *c.RecoveryOf(false)
			c.StartRecovery = &r
			return setRecovery(&r, key, value)
		}
		err = setRecovery(&c.Recovery, key, value)
	}
	return err
}

func numbersOf(words []string) ([]int, error) {
	var numbers []int
	for _, word := range words {
		n, err := strconv.Atoi(word)
		if err != nil {
			return nil, err
		}
		numbers = append(numbers, n)
	}
	return numbers, nil
}

func setRecovery(r *targets.Recovery, key, value string) error {
	actions := map[string]targets.Action{"restart": targets.Restart, "escalate": targets.Escalate,
		"activate": targets.Activate, "stop": targets.Stop, "retry": targets.Retry, "reboot": targets.Reboot,
		"replace": targets.Replace, "ignore": targets.Ignore}
	var err error
	switch key {
	case "action":
		r.Action = actions[value]
	case "then":
		r.Then = actions[value]
	case "target":
		r.Target = value
	case "replacement":
		r.Replacement = value
	case "attempts":
		r.Attempts, err = strconv.Atoi(value)
	case "window":
		r.Window, err = time.ParseDuration(value)
	case "delay":
		r.Delay, err = time.ParseDuration(value)
	case "max_delay":
		r.MaxDelay, err = time.ParseDuration(value)
	case "reset_after":
		r.ResetAfter, err = time.ParseDuration(value)
	default:
		err = fmt.Errorf("unknown key %s", key)
	}
	return err
}

// sorted returns the configuration in name order, as the checked one is.
func sorted(config targets.Config) *targets.Config {
	config.Components, config.Targets = slices.Clone(config.Components), slices.Clone(config.Targets)
	slices.SortFunc(config.Components, func(a, b targets.Component) int { return strings.Compare(a.Name, b.Name) })
	slices.SortFunc(config.Targets, func(a, b targets.Target) int { return strings.Compare(a.Name, b.Name) })
	if config.ShutdownTimeout == 0 {
		config.ShutdownTimeout = 30 * time.Second
	}
	return &config
}

// readConditions reads start conditions such as file:/x, exit:NAME:3, file:/x@3s and file:/x!skip.
func readConditions(list []string) ([]targets.StartCondition, error) {
	var all []targets.StartCondition
	for _, text := range list {
		var s targets.StartCondition
		var err error
		text, s.Skip = strings.CutSuffix(text, "!skip")
		text, limit, limited := strings.Cut(text, "@")
		if limited {
			if s.Timeout, err = time.ParseDuration(limit); err != nil {
				return nil, err
			}
		}
		kind, subject, _ := strings.Cut(text, ":")
		s.Subject = subject
		if kind == "condition" {
			s.Kind = targets.TestRaised
		}
		if kind == "exit" {
			name, code, _ := strings.Cut(subject, ":")
			s.Kind, s.Subject = targets.TestExit, name
			if s.Code, err = strconv.Atoi(code); err != nil {
				return nil, err
			}
		}
		all = append(all, s)
	}
	return all, nil
}
