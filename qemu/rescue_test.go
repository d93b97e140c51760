package qemu

import "testing"

// A configuration with mistakes and none that ever worked: the console has every mistake with its place, and a shell.
func TestInvalidConfigurationEndsInTheRescueShell(t *testing.T) {
	m := memory(t, "invalid", "initial_target = \"man\"\n\n[target.main]\ndepends_on = [\"a\"]\n\n[component.a]\ncomand = [\"/bin/true\"]\n")
	m.expect(`etc/orderly/test\.toml:1:18: initial_target: .*"main"`)
	m.expect(`etc/orderly/test\.toml:7:1: component\.a\.comand: .*"command"`)
	m.expect("# ")
	m.types("cat /proc/1/comm; tty; orderly status | head -1; echo done")
	m.expect("init\r\n")
	m.expect("/dev/console")
	m.expect("rescue")
	m.expect("done")
	m.types("orderly poweroff")
	m.expect("reboot: Power down")
	m.off()
}

// The kernel command line says what a rescue is, and asks for one.
func TestRescueByCommandLine(t *testing.T) {
	const valid = "[component.a]\ncommand = [\"/bin/sleep\", \"1000\"]\n[target.main]\ndepends_on = [\"a\"]\n"
	for _, r := range []struct {
		name, config string
		words        []string
		last         string
	}{
		{"asked for", valid, []string{"rescue"}, "# "},
		{"single", valid, []string{"single"}, "# "},
		{"there is none", valid, []string{"orderly.config=/nowhere"}, "/nowhere: [^#]*# "},
		{"reboot", "nonsense", []string{"orderly.rescue=reboot"}, "reboot: Restarting system"},
		{"off, after a time", "nonsense", []string{"orderly.rescue=off", "orderly.rescue_timeout=2s"}, "reboot: Restarting system"},
	} {
		t.Run(r.name, func(t *testing.T) {
			m := memory(t, "rescue", r.config, r.words...)
			if r.config != valid {
				m.expect(`test\.toml:1:\d+: `)
			}
			m.expect(r.last)
		})
	}
}

// types sends a line over the console.
func (m machine) types(line string) {
	m.t.Helper()
	if err := m.Send(line + "\n"); err != nil {
		m.t.Fatal(err)
	}
}
