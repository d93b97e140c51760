package container

import (
	"testing"

	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/runtime"
)

// BenchmarkMake is what a start costs before its clone: the looking into the root, and the list.
func BenchmarkMake(b *testing.B) {
	host := runtime.Probe()
	machine := Survey(host)
	k := New(Config{
		Root: b.TempDir(), Kinds: unix.CLONE_NEWPID | unix.CLONE_NEWNS | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC | unix.CLONE_NEWCGROUP,
		Overlay: "tmpfs", Scratch: b.TempDir(),
	}, machine)
	p := &runtime.Program{}
	for b.Loop() {
		s := runtime.Spec{Path: "/bin/true", Args: []string{"true"}, Capabilities: []int{unix.CAP_CHOWN, unix.CAP_KILL}}
		if _, err := k.Make(&s); err != nil {
			b.Fatal(err)
		}
		if err := p.Load(host, s); err != nil {
			b.Fatal(err)
		}
	}
}
