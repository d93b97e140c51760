package runtime

import (
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// A start that waits for hooks enters its root by chroot, mounts, waits, and only then makes it the root; and waits again when it is
// who it is to be. One without hooks does neither.
func TestGates(t *testing.T) {
	t.Parallel()
	spec := Spec{Path: "/bin/x", Credential: &Credential{UID: 5}, Container: &Container{
		Namespaces: unix.CLONE_NEWNS, Root: &Root{Path: "/r", Propagation: unix.MS_PRIVATE},
		Mounts: []Mounting{{Source: "proc", Target: "/proc", Type: "proc"}}, Masked: []Mask{{"/secret", true}},
	}}
	names := func() []string {
		var list []string
		for _, s := range spec.Steps(Host{}) {
			list = append(list, s.Name())
		}
		return list
	}
	order := func(want ...string) {
		t.Helper()
		list := names()
		for _, w := range want {
			i := slices.IndexFunc(list, func(name string) bool { return strings.HasPrefix(name, w) })
			if i < 0 {
				t.Fatalf("%s is not behind those before it: %q", w, names())
			}
			list = list[i+1:]
		}
	}
	order("pivot_root /r", "mount /proc", "mask /secret", "propagation /", "set user 5", "exec /bin/x")
	if slices.ContainsFunc(names(), func(name string) bool { return strings.HasPrefix(name, "wait") || strings.HasPrefix(name, "chroot") }) {
		t.Errorf("%q", names())
	}
	spec.Container.Gate = &Gate{Here: 7, Go: 8, BeforePivot: true, BeforeExec: true}
	order("chroot /r", "mount /proc", "wait before pivot_root", "leave chroot", "pivot_root /r", "mask /secret", "propagation /", "set user 5", "wait before exec", "close", "exec /bin/x")
	if slices.Contains(names(), "open /") {
		t.Error("a descriptor of the old root is there while mount points are looked for")
	}
}

// Each set of capabilities is set for itself, and a filter comes early where the rights to it would be gone.
func TestSets(t *testing.T) {
	t.Parallel()
	spec := Spec{Path: "/bin/x", Sets: &CapabilitySets{Bounding: []int{1, 2}, Permitted: []int{1}, Effective: []int{}, Inheritable: []int{2}}, Filter: []uint64{0}, FilterEarly: true}
	var text []string
	for _, s := range spec.Steps(Host{LastCapability: 3, Admin: true}) {
		if s.Verb == "drop capability" || s.Verb == "capabilities" || s.Verb == "seccomp" || s.Verb == "no new privileges" {
			text = append(text, s.Name()+" "+show(s.Args[len(s.Args)-1]))
		}
	}
	want := []string{"seccomp 1 instructions", "drop capability chown 0", "drop capability fowner 0", "capabilities [0 2 4 0 0 0]"}
	if !slices.Equal(text, want) {
		t.Errorf("got %q, want %q", text, want)
	}
}
