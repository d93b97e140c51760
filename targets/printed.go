package targets

import (
	"errors"
	"regexp"
	"regexp/syntax"
	"strconv"
)

// expression reads a regular expression in the syntax of RE2, whose matching takes linear time.
func (v value) expression(to *string) {
	text, ok := v.string()
	if !ok {
		return
	}
	if text == "" {
		v.fault("is empty, and every line would match", `write a part of the line, such as "listening on"`)
		return
	}
	if _, err := regexp.Compile(text); err != nil {
		what := err.Error()
		var wrong *syntax.Error
		if errors.As(err, &wrong) {
			what = wrong.Code.String() + ": " + strconv.Quote(wrong.Expr)
		}
		v.fault("is not a regular expression: "+what, "its syntax is that of RE2; a character with a meaning is written with a backslash")
		return
	}
	*to = text
}

// checkPrinted holds ready.log against where the output goes: only what goes to the log is looked through.
func (v value) checkPrinted(c *Component) {
	out := &c.Output
	switch {
	case c.Ready.When != Printed || c.Kind == Oneshot:
	case c.Detached:
		v.l.fault(v.path()+".ready.log", atKey, `the log does not outlive Orderly, and supervision is "none"`, "")
	case out.Stdout != "log" && out.Stderr != "log":
		v.l.fault(v.path()+".ready.log", atKey, "nothing that it prints goes to the log", `write output = { stdout = "log" }`)
	case c.Terminal != "" && out.Stdout == "log" && out.Stderr == "log":
		v.l.fault(v.path()+".ready.log", atKey, "what it prints goes to its terminal", "")
	}
}
