package boot

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestCommandLine(t *testing.T) {
	t.Parallel()
	with := func(change func(*CommandLine)) CommandLine {
		c := CommandLine{RescueMode: "shell", RescueTimeout: 5 * time.Minute}
		change(&c)
		return c
	}
	for _, row := range []struct {
		name, text string
		want       CommandLine
		ignored    []string
	}{
		{"nothing", "", with(func(*CommandLine) {}), nil},
		{"other words", "root=/dev/vda1 console=ttyAMA0,115200 -- single2\n", with(func(*CommandLine) {}), nil},
		{"target and directory", "ro orderly.target=safe orderly.config=/etc/other quiet", with(func(c *CommandLine) {
			c.Target, c.Config, c.Quiet = "safe", "/etc/other", true
		}), nil},
		{"watchdog", "orderly.watchdog=/dev/watchdog1", with(func(c *CommandLine) { c.Watchdog = "/dev/watchdog1" }), nil},
		{"watchdog without a path", "orderly.watchdog=yes", with(func(*CommandLine) {}), []string{"orderly.watchdog=yes"}},
		{"single", "single", with(func(c *CommandLine) { c.Rescue = true }), nil},
		{"rescue with a value is another word", "rescue=1", with(func(*CommandLine) {}), nil},
		{"mode and time", "rescue orderly.rescue=login orderly.rescue-timeout=90s", with(func(c *CommandLine) {
			c.Rescue, c.RescueMode, c.RescueTimeout = true, "login", 90*time.Second
		}), nil},
		{"never", "orderly.rescue_timeout=0", with(func(c *CommandLine) { c.RescueTimeout = 0 }), nil},
		{"the last wins", "orderly.target=a orderly.target=b", with(func(c *CommandLine) { c.Target = "b" }), nil},
		{"nonsense of ours", "orderly.rescue=yes orderly.rescue_timeout=5 orderly.colour=red", with(func(*CommandLine) {}),
			[]string{"orderly.rescue=yes", "orderly.rescue_timeout=5", "orderly.colour=red"}},
		{"quoted value", `orderly.config="/a b" quiet`, with(func(c *CommandLine) { c.Config, c.Quiet = "/a b", true }), nil},
		{"quoted word", `"orderly.config=/a b" quiet`, with(func(c *CommandLine) { c.Config, c.Quiet = "/a b", true }), nil},
		{"quoted name", `"single"`, with(func(c *CommandLine) { c.Rescue = true }), nil},
		{"quote left open", `orderly.config="/a b quiet`, with(func(c *CommandLine) { c.Config = "/a b quiet" }), nil},
	} {
		got, ignored := parseCommandLine(row.text)
		if diff := cmp.Diff(row.want, got); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", row.name, diff)
		}
		if diff := cmp.Diff(row.ignored, ignored); diff != "" {
			t.Errorf("%s: ignored (-want +got)\n%s", row.name, diff)
		}
	}
}

func FuzzCommandLine(f *testing.F) {
	for _, seed := range []string{"", `a="b c" "d=e f" =x " orderly.target="`, "single\xa0quiet\n", `"`, `a=""`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c := ParseCommandLine(text)
		if c.RescueTimeout < 0 || !strings.Contains("shell login reboot off", c.RescueMode) || c.RescueMode == "" {
			t.Fatalf("%q: %+v", text, c)
		}
		for rest, n := text, 0; len(rest) > 0; n++ {
			if _, rest = nextWord(rest); n > len(text) {
				t.Fatalf("%q: does not end", text)
			}
		}
		for module, options := range moduleOptions(text) {
			if module == "" || len(options) == 0 {
				t.Fatalf("%q: module %q %q", text, module, options)
			}
		}
	})
}

func TestHasArgument(t *testing.T) {
	t.Parallel()
	const line = `quiet root=/dev/vda1 a-b=1 text="two words" x=y=z`
	for want, has := range map[string]bool{
		"quiet": true, "quie": false, "root": true, "root=/dev/vda1": true, "root=/dev/vda": false, "a_b": true, "a_b=1": true,
		"text=two words": true, "words": false, "x=y=z": true, "x=y": false, "quiet=": true, "quiet=1": false,
	} {
		if got := hasArgument(line, want); got != has {
			t.Errorf("%s: %v", want, got)
		}
	}
}
