package boot

import (
	"slices"
	"testing"
	"time"

	"github.com/orderly-init/orderly/targets"
)

// TestRescueLoads holds every form of the built-in configuration to the real reader.
func TestRescueLoads(t *testing.T) {
	t.Parallel()
	problems := []string{"/etc/orderly/a.toml:1:2: component.x: unknown key", "two\nlines \x00 \x1b[31m \xff \"\"\""}
	for _, mode := range []string{"shell", "login", "reboot", "off", ""} {
		for _, image := range [][]string{nil, {"/bin/sh"}, {"/bin/busybox"}, {"/bin/login"}, {"/sbin/sulogin", "/bin/login"}} {
			argv := rescueCommand(mode, func(path string) bool { return slices.Contains(image, path) })
			for _, said := range [][]string{nil, problems} {
				text := rescueText(argv, said)
				config, p := targets.Load([]targets.Source{{Path: "(rescue)", Data: text}})
				if len(p) > 0 {
					t.Fatalf("%s in %q: %v\n%s", mode, image, p, text)
				}
				checkRescue(t, config, argv)
			}
		}
	}
}

func checkRescue(t *testing.T, config *targets.Config, argv []string) {
	t.Helper()
	if config.InitialTarget != "rescue" || len(config.Targets) != 1 {
		t.Fatalf("targets %v", config.Targets)
	}
	if argv == nil {
		if len(config.Components) != 0 {
			t.Fatalf("components %v without a program", config.Components)
		}
		return
	}
	c := config.Components[0]
	if !slices.Equal(c.Command, argv) || c.Terminal != "/dev/console" || c.Recovery.Then != targets.Retry ||
		c.Recovery.Delay != time.Second || c.Recovery.MaxDelay != time.Second {
		t.Fatalf("component %+v", c)
	}
}

func TestRescueCommand(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name, mode string
		image      []string
		want       []string
	}{
		{"the first shell", "shell", []string{"/bin/bash", "/bin/sh"}, []string{"/bin/sh"}},
		{"busybox alone", "shell", []string{"/bin/busybox"}, []string{"/bin/busybox", "sh"}},
		{"no shell", "shell", []string{"/bin/login"}, nil},
		{"sulogin before login", "login", []string{"/bin/login", "/sbin/sulogin"}, []string{"/sbin/sulogin"}},
		{"no login is no shell", "login", []string{"/bin/sh"}, nil},
		{"off", "off", []string{"/bin/sh"}, nil},
		{"reboot", "reboot", []string{"/bin/sh"}, nil},
	} {
		got := rescueCommand(row.mode, func(path string) bool { return slices.Contains(row.image, path) })
		if !slices.Equal(got, row.want) {
			t.Errorf("%s: got %q, want %q", row.name, got, row.want)
		}
	}
}

func TestRescueAnswer(t *testing.T) {
	t.Parallel()
	off := ParseCommandLine("orderly.rescue=off orderly.rescue_timeout=7s rescue")
	if component, after := RescueAnswer(off); component || after != 7*time.Second {
		t.Errorf("off: %v %v", component, after)
	}
	at := ParseCommandLine("orderly.rescue=reboot")
	if component, after := RescueAnswer(at); component || after > time.Minute {
		t.Errorf("reboot: %v %v", component, after)
	}
}
