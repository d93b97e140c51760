package targets

import (
	"slices"
	"time"
)

// The default stop and abort signals (signal(7)). That of an abort leaves a core dump where limits allow one.
const (
	sigAbrt = 6
	sigTerm = 15
)

// defaultComponent is a component of which nothing is written.
func defaultComponent() Component {
	return Component{
		Process: Process{
			Umask:  0o022,
			Output: Output{Stdout: "log", Stderr: "log", Stdin: "null", RateLimit: 1 << 20},
		},
		StartTimeout:     10 * time.Second,
		StopTimeout:      10 * time.Second,
		StopSignal:       sigTerm,
		AbortSignal:      sigAbrt,
		SuccessExitCodes: []int{0},
		Ready:            Ready{PollInterval: 10 * time.Millisecond, ProbeTimeout: time.Second},
		Heartbeat:        Heartbeat{Min: 1},
		Recovery: Recovery{
			Action: Restart, Attempts: 10, Window: time.Minute,
			Delay: 100 * time.Millisecond, Backoff: 2, MaxDelay: 10 * time.Second, ResetAfter: time.Minute,
			Then: Escalate,
		},
	}
}

func componentFields() []field[Component] {
	return slices.Concat([]field[Component]{
		{"description", func(v value, c *Component) { v.text(&c.Description) }},
		// what these two mean has been found before the component is read; here their types are looked at
		{"template", func(v value, _ *Component) { v.nonEmpty(new(string)) }},
		{"instances", func(v value, _ *Component) { v.instanceNames() }},
		{"kind", func(v value, c *Component) {
			choose(v, &c.Kind, option[Kind]{"daemon", Daemon}, option[Kind]{"oneshot", Oneshot})
		}},
		{"supervision", func(v value, c *Component) {
			choose(v, &c.Detached, option[bool]{"full", false}, option[bool]{"none", true})
		}},
		{"depends_on", func(v value, c *Component) { v.names(&c.DependsOn) }},
		{"depends_on_any", func(v value, c *Component) { v.names(&c.DependsOnAny) }},
		{"wants", func(v value, c *Component) { v.names(&c.Wants) }},
		{"after", func(v value, c *Component) { v.names(&c.After) }},
		{"conflicts", func(v value, c *Component) { v.names(&c.Conflicts) }},
		{"start_timeout", func(v value, c *Component) { v.duration(&c.StartTimeout, 0) }},
		{"stop_timeout", func(v value, c *Component) { v.duration(&c.StopTimeout, 0) }},
		{"stop_signal", func(v value, c *Component) { v.signal(&c.StopSignal) }},
		{"abort_signal", func(v value, c *Component) { v.signal(&c.AbortSignal) }},
		{"stop_action", func(v value, c *Component) { v.action(&c.StopAction) }},
		{"stop_command", func(v value, c *Component) { v.argv(&c.StopCommand) }},
		{"reload_signal", func(v value, c *Component) { v.signal(&c.ReloadSignal) }},
		{"reload_command", func(v value, c *Component) { v.argv(&c.ReloadCommand) }},
		{"success_exit_codes", func(v value, c *Component) { v.exitCodes(&c.SuccessExitCodes) }},
		{"on_dependency_failure", func(v value, c *Component) {
			choose(v, &c.OnDependencyFailure,
				option[OnFailure]{"leave", Leave}, option[OnFailure]{"restart", RestartIt}, option[OnFailure]{"stop", StopIt})
		}},
		{"ready", func(v value, c *Component) { readReady(v, &c.Ready) }},
		{"no_restart_exit_codes", func(v value, c *Component) { v.codes(&c.NoRestartExitCodes) }},
		{"reboot_exit_codes", func(v value, c *Component) { v.codes(&c.RebootExitCodes) }},
		{"heartbeat", func(v value, c *Component) { readTable(v, heartbeatFields(), &c.Heartbeat) }},
		{"recovery", func(v value, c *Component) { readRecovery(v, &c.Recovery) }},
		{"start_recovery", readStartRecovery}, // after recovery, which it begins with
		{"notify", func(v value, c *Component) { v.bool(&c.Notify) }},
		{"pid_file", func(v value, c *Component) { v.absolute(&c.PIDFile) }},
		{"start_conditions", func(v value, c *Component) { readStartConditions(v, &c.StartConditions) }},
	}, processFields(), laterFields())
}

// processFields are the keys that say how the program is started.
func processFields() []field[Component] {
	return []field[Component]{
		{"command", func(v value, c *Component) { v.argv(&c.Command) }},
		{"debug_arguments", func(v value, c *Component) {
			v.list(&c.DebugArguments, func(e value, to *string) bool {
				text, ok := e.string()
				*to = text
				return ok
			})
		}},
		{"action", func(v value, c *Component) { v.action(&c.Action) }},
		{"environment", func(v value, c *Component) { v.environment(&c.Environment) }},
		{"pass_environment", func(v value, c *Component) { v.list(&c.PassEnvironment, value.variable) }},
		{"environment_file", func(v value, c *Component) { v.environmentFiles(&c.EnvironmentFiles) }},
		{"working_directory", func(v value, c *Component) { v.absolute(&c.WorkingDirectory) }},
		{"user", func(v value, c *Component) { v.account(&c.User) }},
		{"group", func(v value, c *Component) { v.account(&c.Group) }},
		{"supplementary_groups", func(v value, c *Component) { v.list(&c.SupplementaryGroups, value.account) }},
		{"umask", func(v value, c *Component) {
			v.octal(&c.Umask)
			c.OwnUmask = true
		}},
		{"terminal", func(v value, c *Component) { v.absolute(&c.Terminal) }},
		{"output", func(v value, c *Component) { readTable(v, outputFields(), &c.Output) }},
		{"limits", func(v value, c *Component) { readLimits(v, &c.Limits) }},
		{"optional_steps", func(v value, c *Component) { v.optionalSteps(&c.OptionalSteps) }},
		{"security", func(v value, c *Component) { readSecurity(v, &c.Security) }},
		{"scheduling", func(v value, c *Component) { readScheduling(v, &c.Scheduling) }},
		{"root_directory", func(v value, c *Component) { v.directory(&c.RootDirectory) }},
		{"container", readContainer},
		{"boot", readBoot},
		{"resources", func(v value, c *Component) { readResources(v, &c.Resources) }},
	}
}

// laterFields are keys that other versions have.
func laterFields() []field[Component] {
	return []field[Component]{
		{key: "control"},
	}
}

func outputFields() []field[Output] {
	return []field[Output]{
		{"stdout", func(v value, o *Output) { v.stream(&o.Stdout, "log", "null", "console", "inherit") }},
		{"stderr", func(v value, o *Output) { v.stream(&o.Stderr, "log", "null", "console", "inherit") }},
		{"stdin", func(v value, o *Output) { v.stream(&o.Stdin, "null", "console") }},
		{"rate_limit", func(v value, o *Output) { v.size(&o.RateLimit, 0) }},
	}
}

// signal reads a signal by name or number.
func (v value) signal(to *int) {
	n, isNumber := v.x.(int64)
	if !isNumber {
		parsed(v, to, parseSignal)
		return
	}
	number, what, hint := signalNumber(n)
	if what != "" {
		v.fault(what, hint)
		return
	}
	*to = number
}

// exitCodes reads a list of exit codes, sorted and without doubles.
func (v value) exitCodes(to *[]int) {
	codes := []int{}
	if !v.codes(&codes) {
		return
	}
	if len(codes) == 0 {
		v.fault("is empty", "some exit code must mean success")
		return
	}
	*to = codes
}

// readComponent reads one component over its defaults.
func readComponent(v value, fields []field[Component], c *Component) {
	own := readTable(v, fields, c)
	if own == nil {
		return
	}
	_, hasCommand := own["command"]
	_, hasAction := own["action"]
	programless := c.Container != nil && c.Container.Bundle != "" || c.Boot != nil
	if !hasCommand && !hasAction && c.Command == nil && c.Action == nil && !programless {
		v.faultAt(atTable, "has no command", `add command = ["/path/to/program"], or an action`)
	}
	v.checkAction(c)
	v.checkDetached(c)
	v.checkAmbient(c)
	v.checkSandbox(c)
	v.checkOptional(own, c)
	v.checkPrinted(c)
	v.checkHeartbeat(c, own["heartbeat"])
	v.checkExitCodes(c, own["success_exit_codes"] != nil)
	_, ownReady := own["ready"]
	switch {
	case c.Kind == Daemon && c.Ready.When == Exited:
		v.l.fault(v.path()+".ready.when", atValue, "a daemon that exits has failed", `write kind = "oneshot", or another condition`)
	case c.Kind == Oneshot && ownReady && c.Ready.When != Exited && conditions(own["ready"]) > 0:
		v.l.fault(v.path()+".ready", atKey, "a oneshot is ready when it has exited, and allows no other condition", "")
	case c.Kind == Oneshot:
		c.Ready.When = Exited
	}
	v.checkPIDFile(own, c)
	v.checkContainer(own, c)
	v.checkBoot(c)
}
