package manager

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/orderly-init/orderly/control"
	"github.com/orderly-init/orderly/supervisor"
	"github.com/orderly-init/orderly/targets"
)

// definition lists the keys that are in force for a component, as they would be written. Values of environment
// variables can be secrets: only who may change sees them.
func definition(c *targets.Component, secrets bool) []control.Pair {
	var d pairs
	d.program(c)
	d.environment(c, secrets)
	d.attributes(c)
	for _, e := range edgeLists(c.Edges) {
		d.list(e.kind, e.names)
	}
	d.stopping(c)
	d.output(c)
	d.readiness(c)
	d.recovery(c)
	return d
}

func (d *pairs) program(c *targets.Component) {
	d.when("supervision", "none", c.Detached)
	d.list("command", c.Command)
	d.list("debug_arguments", c.DebugArguments)
	d.list("action", c.Action)
}

func (d *pairs) environment(c *targets.Component, secrets bool) {
	for _, s := range c.Environment {
		value := s.Value
		if !secrets {
			value = "(not shown)"
		}
		d.add("environment."+s.Key, value)
	}
	d.list("pass_environment", c.PassEnvironment)
	for _, f := range c.EnvironmentFiles {
		d.add("environment_file", f.Path)
	}
}

func (d *pairs) attributes(c *targets.Component) {
	d.text("working_directory", c.WorkingDirectory)
	d.text("user", c.User)
	d.text("group", c.Group)
	d.list("supplementary_groups", c.SupplementaryGroups)
	d.add("umask", "0"+strconv.FormatUint(uint64(c.Umask), 8))
	d.text("terminal", c.Terminal)
	for _, l := range c.Limits {
		d.add("limits."+targets.LimitNames()[l.Resource], l.String())
	}
	d.scheduling(&c.Scheduling)
	d.security(&c.Security)
	d.container(c)
	d.resources(&c.Resources)
	d.list("optional_steps", c.OptionalSteps)
}

func (d *pairs) stopping(c *targets.Component) {
	d.add("start_timeout", c.StartTimeout.String())
	d.add("stop_timeout", c.StopTimeout.String())
	d.add("stop_signal", supervisor.SignalName(c.StopSignal))
	d.list("stop_command", c.StopCommand)
	d.heartbeat(c)
	d.list("stop_action", c.StopAction)
	d.when("reload_signal", supervisor.SignalName(c.ReloadSignal), c.ReloadSignal != 0)
	d.list("reload_command", c.ReloadCommand)
}

func (d *pairs) output(c *targets.Component) {
	d.add("output.stdout", c.Output.Stdout)
	d.add("output.stderr", c.Output.Stderr)
	d.add("output.stdin", c.Output.Stdin)
	d.when("output.rate_limit", strconv.FormatInt(c.Output.RateLimit, 10), c.Output.RateLimit > 0)
}

func (d *pairs) readiness(c *targets.Component) {
	d.add("ready", readyText(&c.Ready))
	d.text("pid_file", c.PIDFile)
	d.when("notify", "true", c.Notify)
	for i := range c.StartConditions {
		d.add("start_conditions", conditionText(&c.StartConditions[i]))
	}
}

func (d *pairs) recovery(c *targets.Component) {
	d.add("success_exit_codes", fmt.Sprint(c.SuccessExitCodes))
	d.when("no_restart_exit_codes", fmt.Sprint(c.NoRestartExitCodes), c.NoRestartExitCodes != nil)
	d.when("reboot_exit_codes", fmt.Sprint(c.RebootExitCodes), c.RebootExitCodes != nil)
	d.add("recovery", recoveryText(&c.Recovery))
	if c.StartRecovery != nil {
		d.add("start_recovery", recoveryText(c.StartRecovery))
	}
}

type pairs []control.Pair

func (d *pairs) add(key, value string) { *d = append(*d, control.Pair{Key: key, Value: value}) }

// when adds what is written only sometimes.
func (d *pairs) when(key, value string, written bool) {
	if written {
		d.add(key, value)
	}
}

func (d *pairs) text(key, value string) {
	if value != "" {
		d.add(key, value)
	}
}

func (d *pairs) list(key string, values []string) {
	if len(values) > 0 {
		d.add(key, strings.Join(values, " "))
	}
}

func (d *pairs) optional(key string, n *int) {
	if n != nil {
		d.add(key, strconv.Itoa(*n))
	}
}

func (d *pairs) scheduling(s *targets.Scheduling) {
	d.text("scheduling.policy", s.Policy)
	if s.Priority != 0 {
		d.add("scheduling.priority", strconv.Itoa(s.Priority))
	}
	if s.Policy == "deadline" {
		d.add("scheduling.runtime", s.Runtime.String())
		d.add("scheduling.deadline", s.Deadline.Deadline.String())
		d.add("scheduling.period", s.Period.String())
	}
	d.optional("scheduling.nice", s.Nice)
	d.text("scheduling.cpus", targets.CPUText(s.CPUs))
	d.text("scheduling.io_class", s.IOClass)
	if s.IOClass == "realtime" || s.IOClass == "best-effort" {
		d.add("scheduling.io_priority", strconv.Itoa(s.IOPriority))
	}
	d.optional("scheduling.oom_score_adjust", s.OOMScoreAdjust)
}

func readyText(r *targets.Ready) string {
	switch r.When {
	case targets.Started:
		return "started"
	case targets.Exited:
		return "exited"
	case targets.Notified:
		return "notified"
	case targets.File:
		if r.Absent {
			return "file " + r.Path + " absent"
		}
		return "file " + r.Path
	case targets.Socket:
		return "socket " + r.Network + ":" + r.Address
	case targets.Probe:
		return "command " + strings.Join(r.Command, " ")
	case targets.Forked:
		return "pid_file"
	case targets.Printed:
		return "log " + r.Pattern
	case targets.HTTP:
		return "http http://" + r.Address + r.Path
	case targets.Raised:
		return "condition " + r.Condition
	case targets.FD:
		return "fd " + strconv.Itoa(r.FD)
	case targets.Beating:
		return "heartbeat"
	}
	return ""
}

// conditionText is a start condition in a line, such as "device /dev/x, timeout 3s, else fail".
func conditionText(s *targets.StartCondition) string {
	text := s.String()
	if s.Kind == targets.TestCommand {
		text = "command " + strings.Join(s.Command, " ")
	}
	if s.Timeout > 0 {
		text += ", timeout " + s.Timeout.String()
	}
	if s.Skip {
		return text + ", else skip"
	}
	return text + ", else fail"
}
