package image

import "github.com/orderly-init/orderly/qemu/guest"

// Set is all that a guest with disks boots from.
type Set struct {
	Machine guest.Machine
	Kernel  string
	Stage1  string
	Root    string
	Data    string
	Key     string // private key that may log in
}

// Example builds everything for the example configuration. GOARCH of Orderly is program: the 64-bit kernel runs
// armv7 programs too.
func (b *Builder) Example(program string, a Arch) (Set, error) {
	k, err := b.Kernel(a)
	if err != nil {
		return Set{}, err
	}
	s := Set{Machine: a.machine, Kernel: k.Image}
	steps := []struct {
		to    *string
		build func() (string, error)
	}{
		{&s.Stage1, func() (string, error) { return b.Stage1(a, k) }},
		{&s.Root, func() (string, error) { return b.Root(program, a, k, "example") }},
		{&s.Data, b.Data},
		{&s.Key, b.Key},
	}
	for _, step := range steps {
		if *step.to, err = step.build(); err != nil {
			return Set{}, err
		}
	}
	return s, nil
}

// Options are those of a guest that boots the set; Orderly's ports for ssh and http are forwarded.
func (s Set) Options() guest.Options {
	return guest.Options{
		Machine: s.Machine, Kernel: s.Kernel, Initrd: s.Stage1, Forward: []int{22, 80},
		Disks:  []guest.Disk{{File: s.Root}, {File: s.Data, NVMe: true}},
		Append: []string{"root=LABEL=orderly-root", "rw", "stage1.agent=/sbin/agent"},
	}
}
