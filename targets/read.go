package targets

import (
	"maps"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"
)

// draft is a configuration while it is read: the defaults come before what is read over them.
type draft struct {
	Config
	component Component // [defaults.component]
	target    Target    // [defaults.target]
}

func (l *loader) read(tree map[string]any) *draft {
	d := &draft{component: defaultComponent()}
	d.ShutdownTimeout = 30 * time.Second
	d.StateDirectory = "/var/lib/orderly"
	d.RebootLimit, d.RebootWindow = 3, 10*time.Minute
	d.Control.Mode = 0o666
	d.Log = Log{Directory: "/run/orderly/log", MaxSize: 1 << 20}
	d.System.CtrlAltDel, d.System.PowerButton = "reboot", "poweroff"
	root := value{l: l, x: tree}
	own := readTable(root, topFields(), d)
	if _, has := own["fallback_failure_command"]; has && d.OnFallbackFailure != FallbackCommand {
		l.fault("fallback_failure_command", atKey, "is not used", `write on_fallback_failure = "command"`)
	}
	if d.OnFallbackFailure == FallbackCommand && own["fallback_failure_command"] == nil {
		l.fault("on_fallback_failure", atValue, "needs fallback_failure_command", `add fallback_failure_command = ["/path/to/program"]`)
	}
	if d.OnFallbackFailure == FallbackWatchdog && own["watchdog"] == nil {
		l.fault("on_fallback_failure", atValue, `"watchdog" needs [watchdog]`, "add [watchdog] with a timeout")
	}
	return d
}

// maxRebootLimit is fewer than the record of reboots holds.
const maxRebootLimit = 30

func topFields() []field[draft] {
	return []field[draft]{
		{"schema_version", func(v value, _ *draft) { v.schemaVersion() }},
		{"initial_target", func(v value, d *draft) { v.nonEmpty(&d.InitialTarget) }},
		{"fallback_target", func(v value, d *draft) { v.text(&d.FallbackTarget) }},
		{"on_fallback_failure", func(v value, d *draft) { v.fallback(&d.OnFallbackFailure) }},
		{"fallback_failure_command", func(v value, d *draft) { v.argv(&d.FallbackFailureCommand) }},
		{"shutdown_timeout", func(v value, d *draft) { v.duration(&d.ShutdownTimeout, 0) }},
		{"state_directory", func(v value, d *draft) { v.absolute(&d.StateDirectory) }},
		{"control", func(v value, d *draft) { readTable(v, controlFields(), &d.Control) }},
		{"log", func(v value, d *draft) { readTable(v, logFields(), &d.Log) }},
		{"system", func(v value, d *draft) { readTable(v, systemFields(), &d.System) }},
		{"defaults", func(v value, d *draft) { readTable(v, defaultsFields(), d) }},
		{"template", readTemplates}, // components are made from them
		{"component", readComponents},
		{"target", readTargets},
		{"seccomp", readFilters},
		{"reboot_limit", func(v value, d *draft) { v.number(&d.RebootLimit, 0, maxRebootLimit) }},
		{"reboot_window", func(v value, d *draft) { v.duration(&d.RebootWindow, time.Second) }},
		{key: "boot_budget"},
		{"watchdog", func(v value, d *draft) { v.watchdog(&d.Watchdog) }},
		{"network", readNetworks},
	}
}

func defaultsFields() []field[draft] {
	return []field[draft]{
		{"component", func(v value, d *draft) { readTable(v, defaultFields(), &d.component) }},
		{"target", func(v value, d *draft) { readTable(v, targetFields(), &d.target) }},
	}
}

// defaultFields are the keys of a component that can have a default.
func defaultFields() []field[Component] {
	fields := componentFields()
	for i, f := range fields {
		if f.key == "template" || f.key == "instances" {
			fields[i].read = func(v value, _ *Component) { v.faultAt(atKey, "has no default", "write it in [component.NAME]") }
		}
	}
	return fields
}

func (v value) schemaVersion() {
	if n, ok := v.x.(int64); ok && n != 1 {
		v.fault(strconv.FormatInt(n, 10)+" is not a version that is known", "this version reads schema_version = 1")
		return
	}
	v.number(new(int), 1, 1)
}

func (v value) fallback(to *FallbackAction) {
	choose(v, to,
		option[FallbackAction]{"reboot", FallbackReboot}, option[FallbackAction]{"poweroff", FallbackPoweroff},
		option[FallbackAction]{"halt", FallbackHalt}, option[FallbackAction]{"command", FallbackCommand},
		option[FallbackAction]{"watchdog", FallbackWatchdog})
}

func controlFields() []field[Control] {
	return []field[Control]{
		{"group", func(v value, c *Control) { v.group(&c.Group) }},
		{"read_group", func(v value, c *Control) { v.group(&c.ReadGroup) }},
		{"mode", func(v value, c *Control) { v.octal(&c.Mode) }},
	}
}

// group is account with "" allowed.
func (v value) group(to *string) {
	if v.x == "" {
		*to = ""
		return
	}
	v.account(to)
}

func logFields() []field[Log] {
	return []field[Log]{
		{"directory", func(v value, l *Log) { v.absolute(&l.Directory) }},
		{"max_size", func(v value, l *Log) { v.size(&l.MaxSize, 4096) }},
		{"console", func(v value, l *Log) {
			choose(v, &l.Console,
				option[Level]{"debug", Debug}, option[Level]{"info", Info}, option[Level]{"warning", Warning},
				option[Level]{"error", Error}, option[Level]{"off", Silent})
		}},
	}
}

func systemFields() []field[System] {
	return []field[System]{
		{"hostname", func(v value, s *System) { v.hostname(&s.Hostname) }},
		{"modules", func(v value, s *System) { v.list(&s.Modules, value.word) }},
		{"sysctl", func(v value, s *System) { v.sysctl(&s.Sysctl) }},
		{"machine_id", func(v value, s *System) { v.words(&s.MachineID, "transient", "persistent") }},
		{"ctrl_alt_del", func(v value, s *System) { v.words(&s.CtrlAltDel, "reboot", "poweroff", "halt", "ignore") }},
		{"power_button", func(v value, s *System) { v.words(&s.PowerButton, "poweroff", "reboot", "halt", "ignore") }},
		{"mounts", func(v value, s *System) { v.mounts(&s.Mounts) }},
	}
}

// hostname reads a name that sethostname(2) takes: at most 64 bytes; the characters are those of RFC 1123 and "_".
func (v value) hostname(to *string) {
	text, ok := v.string()
	if !ok {
		return
	}
	if len(text) > 64 || !bareName(strings.ReplaceAll(text, ".", "-")) {
		v.fault(strconv.Quote(text)+" is not a host name", "letters, digits, - and dots, at most 64")
		return
	}
	*to = text
}

// sysctl reads kernel settings. A name is a path below /proc/sys, with dots or slashes (sysctl(8)).
func (v value) sysctl(to *[]Setting) {
	v.settings(to, func(e value) bool {
		if !isSysctl(e.name) {
			e.faultAt(atKey, "is not the name of a sysctl", `write it as sysctl(8) does, such as "kernel.panic"`)
			return false
		}
		return true
	})
}

func (v value) mounts(to *[]Mount) {
	mounts := []Mount{}
	v.each("a list of tables", func(e value) {
		var m Mount
		own := readTable(e, mountFields(), &m)
		for _, key := range []string{"source", "target", "type"} {
			if _, has := own[key]; own != nil && !has {
				e.faultAt(atKey, "has no "+key, "")
			}
		}
		mounts = append(mounts, m)
	})
	*to = mounts
}

func mountFields() []field[Mount] {
	return []field[Mount]{
		{"source", func(v value, m *Mount) { v.nonEmpty(&m.Source) }},
		{"target", func(v value, m *Mount) { v.absolute(&m.Target) }},
		{"type", func(v value, m *Mount) { v.word(&m.Type) }},
		{"options", func(v value, m *Mount) { v.text(&m.Options) }},
		{"fsck", func(v value, m *Mount) { v.bool(&m.Fsck) }},
	}
}

func (v value) nonEmpty(to *string) {
	if v.x == "" {
		v.fault("is empty", "")
		return
	}
	v.text(to)
}

func readComponents(v value, d *draft) {
	fields := componentFields()
	v.entries(func(e value, n int) {
		chain := v.l.chain(e)
		v.l.templates.note(e.name, chain)
		for _, one := range e.instances(chain) {
			d.Components = append(slices.Grow(d.Components, n), d.component)
			c := &d.Components[len(d.Components)-1]
			c.Name = one.name
			for _, from := range slices.Backward(chain) {
				readTable(v.l.templates.tables[from].instantiate(one), fields, c)
			}
			readComponent(e.instantiate(one), fields, c)
		}
	})
	sort.SliceStable(d.Components, func(i, j int) bool { return d.Components[i].Name < d.Components[j].Name }) // copies none of them
}

func readTargets(v value, d *draft) {
	fields := targetFields()
	v.entries(func(e value, _ int) {
		t := d.target
		t.Name = e.name
		readTable(e, fields, &t)
		d.Targets = append(d.Targets, t)
	})
}

// entries calls read for the tables inside a table, in name order, with how many are left, and checks the names.
func (v value) entries(read func(e value, left int)) {
	table, ok := v.table()
	if !ok {
		return
	}
	names := slices.AppendSeq(make([]string, 0, len(table)), maps.Keys(table))
	slices.Sort(names)
	for i, name := range names {
		e := value{l: v.l, up: &v, name: name, x: table[name]}
		if name == reservedName {
			e.faultAt(atTable, "is the name of Orderly itself", "its log and its notices go by it")
		}
		if !bareName(name) || len(name) > maxName {
			e.faultAt(atTable, "is not a name", "letters, digits, - and _, at most "+strconv.Itoa(maxName))
		}
		read(e, len(names)-i)
	}
}

// reservedName is what Orderly's own lines in the log are about.
const reservedName = "orderly"

// maxName keeps the paths of a component's sockets within sun_path (unix(7)), under any runtime directory.
const maxName = 64

func targetFields() []field[Target] {
	return []field[Target]{
		{"description", func(v value, t *Target) { v.text(&t.Description) }},
		{"depends_on", func(v value, t *Target) { v.names(&t.DependsOn) }},
		{"wants", func(v value, t *Target) { v.names(&t.Wants) }},
		{"transition_timeout", func(v value, t *Target) { v.duration(&t.TransitionTimeout, 0) }},
		{"recovery", func(v value, t *Target) { readTable(v, targetRecoveryFields(), t) }},
	}
}

func targetRecoveryFields() []field[Target] {
	return []field[Target]{
		{"target", func(v value, t *Target) { v.nonEmpty(&t.Recovery) }},
	}
}
