package boot

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/targets"
)

// Rescue is the built-in configuration, for when nothing valid can be had: one target with at most one component,
// a shell or login on the console. The problems stand in it as comments.
func Rescue(c CommandLine, problems []string) []targets.Source {
	return []targets.Source{{Path: rescuePath, Data: rescueText(rescueCommand(c.RescueMode, executable), problems)}}
}

// rescuePath stands where the path of a file would.
const rescuePath = "(rescue)"

// IsRescue reports whether sources are those of Rescue.
func IsRescue(sources []targets.Source) bool {
	return len(sources) == 1 && sources[0].Path == rescuePath
}

// RescueAnswer says what the rescue of a command line is: whether there is a component to talk to, and after which
// time the machine is to be started again; 0 is never. A rescue that was asked for by hand has somebody before it
// and stays as long as there is something to talk to.
func RescueAnswer(c CommandLine) (component bool, rebootAfter time.Duration) {
	component = rescueCommand(c.RescueMode, executable) != nil
	if component && c.Rescue {
		return true, 0
	}
	if c.RescueMode == "reboot" {
		return false, time.Second // long enough for a slow console to show why
	}
	return component, c.RescueTimeout
}

// rescueCommand is the first program of a mode that is there; nil where none is. A login is never replaced by a
// shell that asks nobody for a password.
func rescueCommand(mode string, there func(path string) bool) []string {
	commands := map[string][][]string{
		"":      {{"/bin/sh"}, {"/bin/bash"}, {"/bin/busybox", "sh"}},
		"shell": {{"/bin/sh"}, {"/bin/bash"}, {"/bin/busybox", "sh"}},
		"login": {{"/sbin/sulogin"}, {"/bin/login"}},
	}
	for _, argv := range commands[mode] {
		if there(argv[0]) {
			return argv
		}
	}
	return nil
}

func executable(path string) bool { return unix.Access(path, unix.X_OK) == nil }

// rescueText is the configuration. An interactive shell ignores SIGTERM and ends at SIGHUP (bash(1), SIGNALS).
func rescueText(argv []string, problems []string) []byte {
	var b strings.Builder
	for i, p := range problems {
		if i == 0 {
			b.WriteString("# The configuration could not be used:\n")
		}
		fmt.Fprintf(&b, "#   %s\n", printable(p))
	}
	b.WriteString("initial_target = \"rescue\"\n\n[target.rescue]\ndescription = \"Built in, for a machine without a valid configuration\"\n")
	if argv == nil {
		return []byte(b.String())
	}
	quoted := make([]string, len(argv))
	for i, a := range argv {
		quoted[i] = strconv.Quote(a)
	}
	fmt.Fprintf(&b, `depends_on = ["rescue-shell"]

[component.rescue-shell]
description = "Shell on the console"
command = [%s]
environment = { HOME = "/root", TERM = "linux" }
terminal = "/dev/console"
stop_signal = "HUP"
stop_timeout = "2s"

[component.rescue-shell.recovery]
delay = "1s"
backoff = 1.0
max_delay = "1s"
then = "retry"
`, strings.Join(quoted, ", "))
	return []byte(b.String())
}

// printable is a text on one line that TOML takes in a comment.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "?"))
}
