package targets

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
)

// verb is a built-in action: how many words follow its name, and what they are.
type verb struct {
	name      string
	low, high int // words; high 0 is no bound
	usage     string
	word      func(v value, nth int) bool // checks the nth word, from 1
}

// verbs are the built-in actions in name order.
func verbs() []verb {
	paths := func(v value, _ int) bool { return v.absolute(new(string)) }
	return []verb{
		{"chmod", 2, 0, `"MODE", "/PATH"...`, modeThenPaths},
		{"chown", 2, 0, `"USER:GROUP", "/PATH"...`, ownerThenPaths},
		{"hostname", 1, 1, `"NAME"`, func(v value, _ int) bool { return v.holds(func() { v.hostname(new(string)) }) }},
		{"mkdir", 1, 3, `"/PATH", "MODE", "USER:GROUP"`, func(v value, nth int) bool {
			return []func(value, int) bool{paths, value.mode, value.owner}[nth-1](v, nth)
		}},
		{"modprobe", 1, 0, `"MODULE", "OPTION=VALUE"...`, func(v value, nth int) bool { return nth > 1 || v.word(new(string)) }},
		{"mount", 3, 4, `"SOURCE", "/TARGET", "TYPE", "OPTIONS"`, func(v value, nth int) bool {
			switch nth {
			case 2:
				return v.absolute(new(string))
			case 3:
				return v.word(new(string))
			}
			return true
		}},
		{"remove", 1, 0, `"/PATH"...`, paths},
		{"symlink", 2, 2, `"TARGET", "/LINK"`, func(v value, nth int) bool { return nth == 1 || v.absolute(new(string)) }},
		{"sysctl", 2, 2, `"NAME", "VALUE"`, func(v value, nth int) bool { return nth == 2 || v.holds(v.isSysctl) }},
		{"unmount", 1, 2, `"/TARGET", "lazy"`, func(v value, nth int) bool {
			if nth == 1 {
				return v.absolute(new(string))
			}
			return v.holds(func() { v.words(new(string), "lazy") })
		}},
		{"write", 2, 2, `"/PATH", "TEXT"`, func(v value, nth int) bool { return nth == 2 || v.absolute(new(string)) }},
	}
}

// action reads a built-in action: its name and its words.
func (v value) action(to *[]string) {
	var words []string
	v.list(&words, func(e value, to *string) bool {
		text, ok := e.string()
		*to = text
		return ok
	})
	if words == nil {
		return
	}
	all := verbs()
	names := make([]string, len(all))
	for i := range all {
		names[i] = all[i].name
	}
	if len(words) == 0 {
		v.fault("is empty", "one of "+strings.Join(names, ", "))
		return
	}
	i := slices.Index(names, words[0])
	if i < 0 {
		hint := meant(words[0], names)
		if hint == "" {
			hint = "one of " + strings.Join(names, ", ")
		}
		v.nthWord(0).fault(strconv.Quote(words[0])+" is not a built-in action", hint)
		return
	}
	if n := len(words) - 1; n < all[i].low || all[i].high > 0 && n > all[i].high {
		v.fault(fmt.Sprintf("%s does not take %d words", words[0], n), "write ["+strconv.Quote(words[0])+", "+all[i].usage+"]")
		return
	}
	if v.eachWord(all[i]) {
		*to = words
	}
}

// nthWord is the nth element of a list.
func (v value) nthWord(n int) value {
	list, _ := v.x.([]any)
	return value{l: v.l, up: &v, nth: n + 1, x: list[n]}
}

func (v value) eachWord(b verb) bool {
	list, _ := v.x.([]any)
	fine := true
	for n := range list[1:] {
		fine = b.word(v.nthWord(n+1), n+1) && fine
	}
	return fine
}

// holds runs a reader and says whether it had nothing to report.
func (v value) holds(read func()) bool {
	before := len(v.l.problems) + v.l.dropped
	read()
	return len(v.l.problems)+v.l.dropped == before
}

// mode reads permission bits, those of the set-user-ID and its like too (chmod(2)).
func (v value) mode(int) bool {
	text, ok := v.string()
	if n, err := strconv.ParseUint(text, 8, 32); ok && (err != nil || n > 0o7777) {
		v.fault(strconv.Quote(text)+" is not a mode", `octal digits, such as "0755"`)
		return false
	}
	return ok
}

// owner reads USER, USER:GROUP or :GROUP.
func (v value) owner(int) bool {
	text, ok := v.string()
	if !ok {
		return false
	}
	user, group, _ := strings.Cut(text, ":")
	if user == "" && group == "" || strings.ContainsAny(user+group, ":/, \t\n") {
		v.fault(strconv.Quote(text)+" is not an owner", `write "USER:GROUP", "USER" or ":GROUP"`)
		return false
	}
	return true
}

func modeThenPaths(v value, nth int) bool {
	if nth == 1 {
		return v.mode(nth)
	}
	return v.absolute(new(string))
}

func ownerThenPaths(v value, nth int) bool {
	if nth == 1 {
		return v.owner(nth)
	}
	return v.absolute(new(string))
}

func (v value) isSysctl() {
	text, ok := v.string()
	if ok && !isSysctl(text) {
		v.fault(strconv.Quote(text)+" is not the name of a sysctl", `write it as sysctl(8) does, such as "kernel.panic"`)
	}
}

// isSysctl says whether a name is a path below /proc/sys, with dots or slashes (sysctl(8)).
func isSysctl(name string) bool {
	dotted := strings.ReplaceAll(name, "/", ".")
	return name != "" && strings.Trim(dotted, ".") == dotted && !strings.Contains(dotted, "..") && !strings.ContainsAny(dotted, " \t\n\x00")
}

// checkAction holds what a component does against its kind, and gives a mount its undo.
func (v value) checkAction(c *Component) {
	for _, key := range []string{"action", "stop_action"} {
		if set := map[string][]string{"action": c.Action, "stop_action": c.StopAction}[key]; set != nil && c.Kind != Oneshot {
			v.l.fault(v.path()+"."+key, atKey, "is for a oneshot", `write kind = "oneshot"`)
		}
	}
	if c.Action != nil && c.Command != nil {
		v.l.fault(v.path()+".action", atKey, "is there beside command", "keep one of the two")
	}
	if c.StopAction != nil && c.StopCommand != nil {
		v.l.fault(v.path()+".stop_action", atKey, "is there beside stop_command", "keep one of the two")
	}
	if c.mounts() && c.StopAction == nil && c.StopCommand == nil {
		c.StopAction = []string{"unmount", path.Clean(c.Action[2])}
	}
}

// mounts says whether the action is a mount that can be taken away again.
func (c *Component) mounts() bool {
	return c.Action != nil && c.Action[0] == "mount" && (len(c.Action) < 5 || !Remounts(c.Action[4]))
}

// Remounts says whether mount options change a mount that is there (mount(8)).
func Remounts(options string) bool { return slices.Contains(strings.Split(options, ","), "remount") }
