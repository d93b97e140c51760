package qemu

import (
	"strings"
	"testing"
)

// A configuration that a power cut has kept from being confirmed is not used: the one before is, until somebody applies what
// is on the disk. The boot also says that nobody has asked for that end.
func TestUnconfirmedIsNotUsedAfterAPowerCut(t *testing.T) {
	m, set, d := bootExample(t, systems()[0], "orderly.target=minimal")
	m.reaches("minimal")
	m.sh(`printf '[target.minimal]\nwants = ["tried"]\n[component.tried]\ncommand = ["/bin/sleep", "1000"]\n' >/tmp/more
sed -i '/^\[target.minimal\]/{r /tmp/more
d}' /etc/orderly/example.toml
sync`)
	m.run("orderly", "apply", "--confirm", "10m")
	m.run("orderly", "wait", "tried")
	if got := m.run("orderly", "status"); !strings.Contains(got, "the configuration waits to be confirmed: the one before comes back in") {
		t.Errorf("status on trial:\n%s", got)
	}
	if err := m.Unplug(); err != nil {
		t.Fatal(err)
	}
	m.off()

	m = d.boot(t, set, "orderly.target=minimal")
	m.reaches("minimal")
	const before = "note: the configuration on the disk was not confirmed: the one before it is used"
	got := m.run("orderly", "status")
	for _, want := range []string{before, "note: last end: nobody asked for it"} {
		if !strings.Contains(got, want) {
			t.Errorf("status after the power cut: no %q in\n%s", want, got)
		}
	}
	if strings.Contains(got, "tried") {
		t.Errorf("what was on trial is in force:\n%s", got)
	}
	m.run("orderly", "apply")
	m.run("orderly", "wait", "tried")
	if got := m.run("orderly", "status"); strings.Contains(got, before) {
		t.Errorf("status after the apply:\n%s", got)
	}
	m.powerOff()
	d.clean(t)
}
