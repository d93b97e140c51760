package targets

import (
	"path"
	"strconv"
	"strings"
	"time"
)

// TestKind is what a start condition looks at.
type TestKind uint8

// The kinds of start conditions.
const (
	TestFile      TestKind = iota // the path Subject exists
	TestAbsent                    // it does not
	TestGlob                      // a path that matches the pattern Subject exists
	TestDevice                    // Subject is a block or character device
	TestInterface                 // the network interface Subject exists and is up
	TestEnv                       // Orderly's environment has the variable Subject, or NAME=value
	TestKernelArg                 // the kernel command line has the word Subject
	TestCommand                   // Command ends with 0
	TestExit                      // the oneshot Subject ended with Code
	TestRaised                    // an application has raised the condition Subject
)

// String is the key that the condition is written with.
func (k TestKind) String() string {
	return [...]string{"file", "absent", "glob", "device", "interface", "env", "kernel_arg", "command", "exit", "condition"}[k]
}

// StartCondition is one [[component.NAME.start_conditions]] table: what has to hold, once the dependencies are ready,
// before the component is started (R8).
type StartCondition struct {
	Kind         TestKind
	Subject      string
	Command      []string      // argv, for TestCommand
	Code         int           // for TestExit
	Timeout      time.Duration // how long it is waited for; 0 is one test
	Skip         bool          // one that does not hold leaves the component out, instead of a failed start
	PollInterval time.Duration // between two tests, where the kernel gives no event
	ProbeTimeout time.Duration // for TestCommand: the command is killed after it, and has not held
}

// String is the condition in a few words, such as "file /run/x".
func (s *StartCondition) String() string {
	switch s.Kind {
	case TestCommand:
		return "command " + s.Command[0]
	case TestExit:
		return "exit " + strconv.Itoa(s.Code) + " of " + s.Subject
	case TestRaised:
		return strconv.Quote(s.Subject)
	case TestFile, TestAbsent, TestGlob, TestDevice, TestInterface, TestEnv, TestKernelArg:
	}
	return s.Kind.String() + " " + s.Subject
}

// MaxStartConditions bounds the start conditions of one component: which of them have held is in its fixed-size
// facts record.
const MaxStartConditions = 16

// defaultConditionProbe is how long the command of a start condition may take.
const defaultConditionProbe = 10 * time.Second

// defaultPoll is how often a start condition is tested at most, where the kernel tells nothing.
const defaultPoll = 100 * time.Millisecond

func startConditionFields() []field[StartCondition] {
	return []field[StartCondition]{
		{"file", func(v value, s *StartCondition) { s.Kind = TestFile; v.absolute(&s.Subject) }},
		{"absent", func(v value, s *StartCondition) { s.Kind = TestAbsent; v.absolute(&s.Subject) }},
		{"glob", func(v value, s *StartCondition) { s.Kind = TestGlob; v.pattern(&s.Subject) }},
		{"device", func(v value, s *StartCondition) { s.Kind = TestDevice; v.absolute(&s.Subject) }},
		{"interface", func(v value, s *StartCondition) { s.Kind = TestInterface; v.interfaceName(&s.Subject) }},
		{"env", func(v value, s *StartCondition) { s.Kind = TestEnv; v.assignment(&s.Subject) }},
		{"kernel_arg", func(v value, s *StartCondition) { s.Kind = TestKernelArg; v.kernelWord(&s.Subject) }},
		{"command", func(v value, s *StartCondition) { s.Kind = TestCommand; v.argv(&s.Command) }},
		{"exit", func(v value, s *StartCondition) { s.Kind = TestExit; v.nonEmpty(&s.Subject) }},
		{"code", func(v value, s *StartCondition) { v.number(&s.Code, 0, 255) }},
		{"timeout", func(v value, s *StartCondition) { v.duration(&s.Timeout, 0) }},
		{"on_false", func(v value, s *StartCondition) {
			choose(v, &s.Skip, option[bool]{"fail", false}, option[bool]{"skip", true})
		}},
		{"poll_interval", func(v value, s *StartCondition) { v.duration(&s.PollInterval, time.Millisecond) }},
		{"probe_timeout", func(v value, s *StartCondition) { v.duration(&s.ProbeTimeout, time.Millisecond) }},
		{"condition", func(v value, s *StartCondition) { s.Kind = TestRaised; v.conditionName(&s.Subject) }},
	}
}

// testKeys are the keys of which each start condition has exactly one.
func testKeys() []string {
	var keys []string
	for k := TestFile; k <= TestRaised; k++ {
		keys = append(keys, k.String())
	}
	return keys
}

// readStartConditions reads the list; one that is written replaces the default one.
func readStartConditions(v value, to *[]StartCondition) {
	list := []StartCondition{}
	v.each("a list of tables", func(e value) {
		s := StartCondition{PollInterval: defaultPoll, ProbeTimeout: defaultConditionProbe}
		readStartCondition(e, &s)
		list = append(list, s)
	})
	if len(list) > MaxStartConditions {
		v.faultAt(atKey, strconv.Itoa(len(list))+" conditions are too many", "at most "+strconv.Itoa(MaxStartConditions))
	}
	*to = list
}

func readStartCondition(v value, to *StartCondition) {
	table := readTable(v, startConditionFields(), to)
	if table == nil {
		return
	}
	own := writtenOf(table, testKeys())
	switch {
	case len(own) == 0:
		v.faultAt(atTable, "has nothing to test", "add one of "+strings.Join(testKeys(), ", "))
	case len(own) > 1:
		v.faultAt(atTable, "has more than one condition", "keep one of "+strings.Join(own, ", ")+", and write each in a table of its own")
	}
	if len(own) != 1 {
		return
	}
	if _, has := table["code"]; has && to.Kind != TestExit {
		v.l.fault(v.path()+".code", atKey, "belongs to an exit", `add exit = "NAME"`)
	}
	if _, has := table["probe_timeout"]; has && to.Kind != TestCommand {
		v.l.fault(v.path()+".probe_timeout", atKey, "belongs to a command", `add command = ["/PROGRAM"]`)
	}
	if to.Timeout > 0 && (to.Kind == TestEnv || to.Kind == TestKernelArg) {
		v.l.fault(v.path()+".timeout", atKey, "is of no use: "+to.Kind.String()+" does not change while Orderly runs", "leave it out")
	}
}

// writtenOf lists those of the keys that a table has.
func writtenOf(table map[string]any, keys []string) []string {
	var found []string
	for _, key := range keys {
		if _, has := table[key]; has {
			found = append(found, key)
		}
	}
	return found
}

// pattern reads an absolute path with *, ? and [ranges], as of path.Match.
func (v value) pattern(to *string) {
	if !v.absolute(to) {
		return
	}
	if _, err := path.Match(*to, ""); err != nil {
		v.fault(strconv.Quote(*to)+" is not a pattern", "a [ needs its ]")
	}
}

// maxInterfaceName is IFNAMSIZ less its final NUL (netdevice(7)).
const maxInterfaceName = 15

func (v value) interfaceName(to *string) {
	text, ok := v.string()
	if !ok {
		return
	}
	if text == "" || len(text) > maxInterfaceName || strings.ContainsAny(text, "/ \t\n") || text == "." || text == ".." {
		v.fault(strconv.Quote(text)+" is not the name of a network interface", "at most "+strconv.Itoa(maxInterfaceName)+" characters, such as can0")
		return
	}
	*to = text
}

// assignment reads NAME or NAME=value.
func (v value) assignment(to *string) {
	text, ok := v.string()
	if !ok {
		return
	}
	if text == "" || text[0] == '=' {
		v.fault(strconv.Quote(text)+" is not the name of an environment variable", `write "NAME" or "NAME=value"`)
		return
	}
	*to = text
}

// kernelWord reads word or word=value.
func (v value) kernelWord(to *string) {
	text, ok := v.string()
	if !ok {
		return
	}
	name, _, _ := strings.Cut(text, "=")
	if name == "" || strings.ContainsAny(name, " \t\n\"") {
		v.fault(strconv.Quote(text)+" is not a word of the kernel command line", `write "word" or "word=value"`)
		return
	}
	*to = text
}

// checkStartConditions checks what start conditions name: the exit of a oneshot that is in order before the component.
func (l *loader) checkStartConditions(g *Graph) {
	c := g.Config
	for x := range c.Components {
		for i := range c.Components[x].StartConditions {
			s := &c.Components[x].StartConditions[i]
			if s.Kind != TestExit || s.Subject == "" {
				continue
			}
			path := element(join("component", c.Components[x].Name)+".start_conditions", i) + ".exit"
			if what, hint := g.exitFault(x, s.Subject); what != "" {
				l.fault(path, atValue, what, hint)
			}
		}
	}
}

// exitFault says what is wrong with waiting for the exit of a component; "" when nothing.
func (g *Graph) exitFault(x int, name string) (what, hint string) {
	c := g.Config
	var oneshots []string
	for i := range c.Components {
		if c.Components[i].Kind == Oneshot && i != x {
			oneshots = append(oneshots, c.Components[i].Name)
		}
	}
	y, ok := c.Component(name)
	switch {
	case !ok:
		return "no component is named " + strconv.Quote(name), meant(name, oneshots)
	case c.Components[y].Kind != Oneshot:
		return strconv.Quote(name) + " is a daemon, and has no exit code to wait for", "name a oneshot"
	case x == y:
		return strconv.Quote(name) + " refers to itself", ""
	case !g.before(y, x):
		return strconv.Quote(name) + " is not in order before it", "add " + strconv.Quote(name) + " to after, wants or depends_on"
	}
	return "", ""
}

// before says whether y comes before x by any edges that order.
func (g *Graph) before(y, x int) bool {
	seen := make([]bool, len(g.Needs))
	seen[x] = true
	for queue := []int{x}; len(queue) > 0; queue = queue[1:] {
		at := queue[0]
		for _, list := range [][]int{g.Needs[at], g.AnyOf[at], g.Wants[at], g.After[at]} {
			for _, n := range list {
				if n == y {
					return true
				}
				if !seen[n] {
					seen[n] = true
					queue = append(queue, n)
				}
			}
		}
	}
	return false
}

// Notifies says whether the component is given NOTIFY_SOCKET.
func (c *Component) Notifies() bool { return c.Notify || c.Ready.When == Notified }

// IsConditionName says whether applications can raise a condition of this name.
func IsConditionName(name string) bool { return bareName(name) && len(name) <= maxName }

// conditionName reads the name of a condition that applications raise.
func (v value) conditionName(to *string) {
	text, ok := v.string()
	if !ok {
		return
	}
	if !IsConditionName(text) {
		v.fault(strconv.Quote(text)+" is not the name of a condition", "letters, digits, - and _, at most "+strconv.Itoa(maxName))
		return
	}
	*to = text
}
