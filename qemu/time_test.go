package qemu

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/orderly-init/orderly/qemu/cpio"
	"github.com/orderly-init/orderly/qemu/guest"
	"github.com/orderly-init/orderly/qemu/image"
)

// bootGate bounds the time from the exec of the init to 50 services that run, in counted time: 2 ns an instruction, the
// same on every host. With keeper, configuration, cgroups and log pipes in it.
const bootGate = 150 * time.Millisecond

func TestFiftyServicesAreUpInTime(t *testing.T) {
	const services = 50
	var config strings.Builder
	config.WriteString("[log]\nconsole = \"error\"\n")
	var names []string
	for i := range services {
		name := fmt.Sprintf("s%02d", i)
		names = append(names, fmt.Sprintf("%q", name))
		fmt.Fprintf(&config, "[component.%s]\ncommand = [\"/bin/sleep\", \"1000000\"]\n", name)
	}
	all := strings.Join(names, ", ")
	// the agent comes when everybody is there
	fmt.Fprintf(&config, "[component.agent]\ncommand = [\"/sbin/agent\"]\nafter = [%s]\n[target.main]\ndepends_on = [%s]\nwants = [\"agent\"]\n", all, all)

	a := image.ARM64()
	o := build(t, func(b *image.Builder) (guest.Options, error) {
		k, err := b.Kernel(a)
		if err != nil {
			return guest.Options{}, err
		}
		entries, err := b.Before(a, k, "virtio_pci", "virtio_console")
		if err != nil {
			return guest.Options{}, err
		}
		entries = append(entries, cpio.File("etc/orderly/test.toml", 0o644, []byte(config.String())))
		file, err := b.Memory("fifty", "arm64", a, k, nil, entries)
		return guest.Options{Kernel: k.Image, Initrd: file, Append: []string{"quiet"}, Clock: guest.CountSleeping}, err
	})
	m := boot(t, o)
	begin, err := time.ParseDuration(m.expect(`switching to /sbin/init at (\S+)\s`)[1])
	if err != nil {
		t.Fatal(err)
	}
	m.reaches("main")
	var took, accepted time.Duration
	up := 0
	for _, e := range m.events("0") {
		at := time.Duration(e.TimeMS*float64(time.Millisecond)) - begin
		if accepted == 0 {
			accepted = at
		}
		if e.To == "ready" && e.Component != "agent" {
			up, took = up+1, max(took, at)
		}
	}
	t.Logf("activation accepted after %v, %d services up after %v", accepted, up, took)
	if up != services || took > bootGate {
		t.Errorf("%d services up after %v, want %d within %v", up, took, services, bootGate)
	}
}
