package inspect

import (
	"cmp"
	"io/fs"
	"os"
	"path"
	"strconv"
	"strings"

	"github.com/orderly-init/orderly/runtime"
	"github.com/orderly-init/orderly/targets"
)

// defaultPath is PATH of a component where Orderly has none itself.
const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// look is one configuration held against one file system.
type look struct {
	root          *Root
	config        *targets.Config
	passwd, group string
	machine       uint16   // that programs are for; 0 is not known
	made          []string // what only exists at run time, with all below it
	search        string   // PATH of a component that sets none
	found         []targets.Finding
}

// Strict finds what a configuration names and the file system does not have.
func Strict(config *targets.Config, root *Root) []targets.Finding {
	l := &look{root: root, config: config, passwd: root.text("/etc/passwd"), group: root.text("/etc/group"), search: defaultPath}
	if root.live {
		l.machine, l.search = ownMachine(), cmp.Or(os.Getenv("PATH"), defaultPath)
	} else {
		l.machine = l.machineOfImage()
	}
	l.made = l.madeLater()
	l.system()
	for i := range config.Components {
		l.component(&config.Components[i])
	}
	return l.found
}

// machineOfImage is that of the Orderly in an image, or of its init.
func (l *look) machineOfImage() uint16 {
	for _, name := range []string{"/sbin/orderly", "/sbin/init", "/init"} {
		f, err := l.root.open(name)
		if err != nil {
			continue
		}
		img, ok := parseELF(f)
		f.Close()
		if ok {
			return img.machine
		}
	}
	return 0
}

// madeLater are the places that the running system makes: the kernel's, mounts, and what built-in actions make.
func (l *look) madeLater() []string {
	made := []string{"/run", "/tmp", "/dev", "/proc", "/sys", "/var/run", "/var/tmp"}
	for _, m := range l.config.System.Mounts {
		made = append(made, path.Clean(m.Target))
	}
	for i := range l.config.Components {
		action := l.config.Components[i].Action
		if len(action) == 0 {
			continue
		}
		switch action[0] {
		case "mkdir", "write":
			made = append(made, path.Clean(action[1]))
		case "mount", "symlink":
			made = append(made, path.Clean(action[2]))
		}
	}
	return made
}

func (l *look) later(name string) bool {
	for _, m := range l.made {
		if name == m || strings.HasPrefix(name, m+"/") {
			return true
		}
	}
	return false
}

func (l *look) add(key string, r remark) {
	if r.what != "" {
		l.found = append(l.found, targets.Finding{Path: key, What: r.what, Hint: r.hint, Severity: r.severity})
	}
}

// system looks at what is not of a component.
func (l *look) system() {
	c := l.config
	if len(c.FallbackFailureCommand) > 0 {
		l.add("fallback_failure_command[0]", l.program(c.FallbackFailureCommand[0], l.search, nil))
	}
	l.groupNamed("control.group", c.Control.Group)
	l.groupNamed("control.read_group", c.Control.ReadGroup)
}

// component looks at all that a component names.
func (l *look) component(c *targets.Component) {
	key := c.Key
	l.ofRoot(c)
	for i, f := range c.EnvironmentFiles {
		if !f.Optional {
			l.add(l.fileKey(key("environment_file"), i, len(c.EnvironmentFiles)), l.file(f.Path))
		}
	}
	if l.root.live && c.Terminal != "" {
		l.add(key("terminal"), l.device(c.Terminal))
	}
	l.streams(c)
	l.sandbox(c)
	l.owners(c)
}

// ofRoot looks at what is of a component's root: its own, where it has one.
func (l *look) ofRoot(c *targets.Component) {
	in := l.within(c)
	if in == nil {
		return
	}
	who, search := in.accounts(c), in.pathOf(c)
	for _, one := range commands(c) {
		in.add(c.Key(one.key)+"[0]", in.program(one.argv[0], search, who))
	}
	if c.WorkingDirectory != "" {
		in.add(c.Key("working_directory"), in.directory(c.WorkingDirectory))
	}
	if in != l {
		l.found = append(l.found, in.found...)
		in.root.Close()
	}
}

// fileKey is the key of one of several: a single one may be written without a list.
func (l *look) fileKey(key string, i, n int) string {
	if n == 1 {
		return key
	}
	return targets.Element(key, i)
}

type command struct {
	key  string
	argv []string
}

// commands are all programs that a component may run.
func commands(c *targets.Component) []command {
	var list []command
	add := func(key string, argv []string) {
		if len(argv) > 0 {
			list = append(list, command{key, argv})
		}
	}
	add("command", c.Command)
	add("stop_command", c.StopCommand)
	add("reload_command", c.ReloadCommand)
	add("ready.command", c.Ready.Command)
	for i := range c.StartConditions {
		add(targets.Element("start_conditions", i)+".command", c.StartConditions[i].Command)
	}
	return list
}

// pathOf is PATH as the component will have it: its own, that of its files, or Orderly's.
func (l *look) pathOf(c *targets.Component) string {
	for _, s := range c.Environment {
		if s.Key == "PATH" {
			return s.Value
		}
	}
	search := l.search
	for _, f := range c.EnvironmentFiles {
		for line := range strings.Lines(l.root.text(f.Path)) {
			name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
			if strings.TrimSpace(name) == "PATH" {
				search = strings.Trim(strings.TrimSpace(value), `"'`)
			}
		}
	}
	return search
}

// accounts looks up who a component is, each key for itself; nil is root, or not known.
func (l *look) accounts(c *targets.Component) *runtime.Credential {
	fine := l.user(c.Key("user"), c.User, c.Group == "")
	fine = l.groupNamed(c.Key("group"), c.Group) && fine
	for i, g := range c.SupplementaryGroups {
		fine = l.groupNamed(targets.Element(c.Key("supplementary_groups"), i), g) && fine
	}
	if !fine || c.User == "" {
		return nil
	}
	who, err := runtime.LookupIn(runtime.Account{User: c.User, Group: c.Group, Supplementary: c.SupplementaryGroups}, l.passwd, l.group)
	if err != nil {
		return nil
	}
	return &who
}

// user looks up a user. Where the group is not written, its own must be known.
func (l *look) user(key, name string, alone bool) bool {
	if name == "" {
		return true
	}
	a := runtime.Account{User: name, Group: "0", Supplementary: []string{}}
	if alone {
		a.Group = ""
	}
	_, err := runtime.LookupIn(a, l.passwd, l.group)
	if err != nil {
		l.add(key, remark{what: err.Error(), hint: near(name, l.passwd, "/etc/passwd")})
	}
	return err == nil
}

func (l *look) groupNamed(key, name string) bool {
	if name == "" {
		return true
	}
	_, err := runtime.LookupIn(runtime.Account{User: "0", Group: name, Supplementary: []string{}}, l.passwd, l.group)
	if err != nil {
		l.add(key, remark{what: err.Error(), hint: near(name, l.group, "/etc/group")})
	}
	return err == nil
}

// near hints at a name of a file of accounts that comes close.
func near(name, text, file string) string {
	var names []string
	for line := range strings.Lines(text) {
		first, _, _ := strings.Cut(line, ":")
		names = append(names, first)
	}
	if close := targets.Nearest(name, names); len(close) > 0 {
		return "did you mean " + close[0] + "?"
	}
	if _, err := strconv.Atoi(name); err == nil {
		return "add group"
	}
	return "it has to be in " + file
}

// directory and the like are warnings: a program may make them.
func (l *look) directory(name string) remark {
	return l.there(name, "is not a directory", fs.FileInfo.IsDir)
}

func (l *look) file(name string) remark {
	return l.there(name, "is not a regular file", func(i fs.FileInfo) bool { return i.Mode().IsRegular() })
}

func (l *look) device(name string) remark {
	return l.there(name, "is not a character device", func(i fs.FileInfo) bool { return i.Mode()&fs.ModeCharDevice != 0 })
}

func (l *look) there(name, otherwise string, fits func(fs.FileInfo) bool) remark {
	at, info, err := l.root.stat(name)
	switch {
	case err != nil && l.later(at) && !(l.root.live && strings.HasPrefix(at, "/dev/")):
		return remark{}
	case err != nil:
		return remark{what: name + ": " + err.Error(), hint: "something must have made it by then", severity: targets.Notice}
	case !fits(info):
		return remark{what: name + " " + otherwise}
	}
	return remark{}
}

// streams looks for the directories of output files, and for input files.
func (l *look) streams(c *targets.Component) {
	for _, s := range []struct{ key, setting string }{{"output.stdout", c.Output.Stdout}, {"output.stderr", c.Output.Stderr}} {
		if file, ok := strings.CutPrefix(s.setting, "file:"); ok {
			l.add(c.Key(s.key), l.directory(path.Dir(file)))
		}
	}
	if file, ok := strings.CutPrefix(c.Output.Stdin, "file:"); ok {
		l.add(c.Key("output.stdin"), l.there(file, "is a directory", func(i fs.FileInfo) bool { return !i.IsDir() }))
	}
}

// sandbox looks for the paths that a component is confined to.
func (l *look) sandbox(c *targets.Component) {
	s := &c.Security
	lists := []command{{"security.read_only_paths", s.ReadOnlyPaths}}
	if s.Landlock != nil {
		lists = append(lists, command{"security.landlock.read", s.Landlock.Read}, command{"security.landlock.write", s.Landlock.Write},
			command{"security.landlock.execute", s.Landlock.Execute})
	}
	for _, list := range lists {
		for i, p := range list.argv {
			l.add(targets.Element(c.Key(list.key), i), l.there(p, "", anyFile))
		}
	}
	for i := range c.Resources.IOMax { // what controllers there will be nobody knows before the machine runs
		l.add(targets.Element(c.Key("resources.io_max"), i)+".path", l.there(c.Resources.IOMax[i].Path, "", anyFile))
	}
}

// owners looks up the accounts that built-in actions name.
func (l *look) owners(c *targets.Component) {
	for _, a := range []command{{"action", c.Action}, {"stop_action", c.StopAction}} {
		nth := 0
		switch {
		case len(a.argv) > 1 && a.argv[0] == "chown":
			nth = 1
		case len(a.argv) > 3 && a.argv[0] == "mkdir":
			nth = 3
		default:
			continue
		}
		user, group, _ := strings.Cut(a.argv[nth], ":")
		key := targets.Element(c.Key(a.key), nth)
		l.user(key, user, false)
		l.groupNamed(key, group)
	}
}

// anyFile fits whatever is there.
func anyFile(fs.FileInfo) bool { return true }
