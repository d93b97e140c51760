package qemu

import (
	"strings"
	"testing"
)

// A machine that reboots by itself again and again ends in the rescue, also when the power fails in between; what somebody does in
// the rescue is a fresh start.
func TestRebootsEndInTheRescue(t *testing.T) {
	m, set, d := bootExample(t, systems()[0], "orderly.target=minimal")
	m.reaches("minimal")
	m.sh(`cat >/etc/orderly/loop.toml <<.
[component.crash]
command = ["/bin/false"]
recovery = { attempts = 0, then = "reboot" }
[target.loop]
depends_on = ["crash"]
.`)
	m.powerOff()
	loops := func() {
		t.Helper()
		m = d.boot(t, set, "orderly.target=loop")
		m.expect("reboot: Restarting system")
		m.off()
	}
	loops()
	loops()
	if why := "last end: reboot: crash: "; !strings.Contains(m.Console(), why) {
		t.Errorf("the boot after a reboot by recovery does not say %q", why)
	}
	m = d.boot(t, set, "orderly.target=minimal")
	m.reaches("minimal")
	if err := m.Unplug(); err != nil {
		t.Fatal(err)
	}
	m.off()
	loops()
	m = d.boot(t, set, "orderly.target=loop")
	m.expect("rescue: 3 reboots within 10m0s that nobody asked for")
	m.expect("target rescue: settled")
	if strings.Contains(m.Console(), "] crash: ") {
		t.Errorf("the rescue has started crash")
	}
	if err := m.Send("orderly reboot\n"); err != nil {
		t.Fatal(err)
	}
	m.off()
	loops()
}
