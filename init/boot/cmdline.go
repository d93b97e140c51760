package boot

import (
	"os"
	"strings"
	"time"
)

// CommandLine is what the kernel command line says to Orderly.
type CommandLine struct {
	Target        string // orderly.target=; "" is the initial target
	Config        string // orderly.config=; "" is where it always is
	Watchdog      string // orderly.watchdog=: the device to feed before the configuration is known; "" is one that runs already
	Rescue        bool   // rescue or single: the built-in configuration
	Quiet         bool
	RescueMode    string        // "shell", "login", "reboot" or "off"
	RescueTimeout time.Duration // a rescue that nobody asked for ends in a reboot after it; 0 is never
}

// The defaults of what is not said.
const (
	defaultRescueMode    = "shell"
	defaultRescueTimeout = 5 * time.Minute
)

// ReadCommandLine reads that of the running kernel. The one that a container sees is the host's: it says nothing.
func ReadCommandLine() CommandLine {
	if !ours() {
		return ParseCommandLine("")
	}
	return ParseCommandLine(commandLine())
}

func commandLine() string {
	b, err := os.ReadFile("/proc/cmdline")
	if err != nil {
		return ""
	}
	return string(b)
}

// ParseCommandLine reads a kernel command line. Words that it does not know, and values that make no sense, are
// ignored; the last of two wins.
func ParseCommandLine(text string) CommandLine {
	c, _ := parseCommandLine(text)
	return c
}

// parseCommandLine also returns those of our words that are ignored.
func parseCommandLine(text string) (c CommandLine, ignored []string) {
	c = CommandLine{RescueMode: defaultRescueMode, RescueTimeout: defaultRescueTimeout}
	for len(text) > 0 {
		var w word
		if w, text = nextWord(text); !c.take(w) {
			ignored = append(ignored, printable(w.name+"="+w.value))
		}
	}
	return c, ignored
}

// take uses a word, and reports false where it is one of ours and makes no sense.
func (c *CommandLine) take(w word) bool {
	// the kernel takes - and _ in names for the same (kernel/params.c, parameq)
	switch name := strings.ReplaceAll(w.name, "-", "_"); name {
	case "single", "rescue":
		c.Rescue = c.Rescue || w.value == ""
	case "quiet":
		c.Quiet = true
	case "orderly.target":
		c.Target = printable(w.value) // it is told to people where there is none of that name
	case "orderly.config":
		c.Config = w.value
	case "orderly.watchdog":
		if !strings.HasPrefix(w.value, "/") {
			return false
		}
		c.Watchdog = w.value
	case "orderly.rescue":
		switch w.value {
		case "shell", "login", "reboot", "off":
			c.RescueMode = w.value
		default:
			return false
		}
	case "orderly.rescue_timeout":
		d, err := time.ParseDuration(w.value)
		if err != nil || d < 0 {
			return false
		}
		c.RescueTimeout = d
	default:
		return !strings.HasPrefix(name, "orderly.")
	}
	return true
}

// HasArgument says whether the command line of the running kernel has a word, "word" or "word=value"; a word alone is also
// found with a value.
func HasArgument(want string) bool { return hasArgument(commandLine(), want) }

func hasArgument(text, want string) bool {
	name, value, valued := strings.Cut(want, "=")
	same := func(s string) string { return strings.ReplaceAll(s, "-", "_") } // kernel/params.c, parameq
	for len(text) > 0 {
		var w word
		if w, text = nextWord(text); same(w.name) == same(name) && (!valued || w.value == value) {
			return true
		}
	}
	return false
}

// word is name=value of the kernel command line.
type word struct{ name, value string }

// nextWord takes a word from the front, with double quotes as the kernel understands them (lib/cmdline.c, next_arg).
func nextWord(text string) (w word, rest string) {
	for text != "" && strings.IndexByte(" \t\n\v\f\r\xa0", text[0]) >= 0 { // the kernel's isspace(), byte by byte
		text = text[1:]
	}
	quoted := strings.HasPrefix(text, `"`)
	if quoted {
		text = text[1:]
	}
	inside, end := quoted, len(text)
	for i := range len(text) {
		if text[i] == '"' {
			inside = !inside
		}
		if !inside && strings.IndexByte(" \t\n\v\f\r\xa0", text[i]) >= 0 {
			end = i
			break
		}
	}
	whole, rest := text[:end], text[end:]
	name, value, _ := strings.Cut(whole, "=")
	if name == "" && value != "" { // "=" at the front is part of the name
		name, value = whole, ""
	}
	if v, ok := strings.CutPrefix(value, `"`); ok {
		value = strings.TrimSuffix(v, `"`)
	} else if quoted {
		if value == "" {
			name = strings.TrimSuffix(name, `"`)
		}
		value = strings.TrimSuffix(value, `"`)
	}
	return word{name, value}, rest
}
