package calls

import (
	"slices"
	"testing"
)

func TestTable(t *testing.T) {
	t.Parallel()
	names := Names()
	if !slices.IsSorted(names) || len(slices.Compact(slices.Clone(names))) != len(names) {
		t.Error("the names are not sorted, or one is there twice")
	}
	// execve and openat as asm/unistd.h of each has them
	for arch, want := range map[Arch][2]uint32{AMD64: {59, 257}, ARM64: {221, 56}, ARM: {11, 322}} {
		numbers, seen := Numbers(arch), map[uint32]string{}
		if got := [2]uint32{numbers["execve"], numbers["openat"]}; got != want {
			t.Errorf("%d: execve and openat are %v, want %v", arch, got, want)
		}
		for _, name := range names {
			n, has := numbers[name]
			if has && seen[n] != "" {
				t.Errorf("%d: %s and %s are both %d", arch, name, seen[n], n)
			}
			if has {
				seen[n] = name
			}
		}
	}
	for _, goarch := range []string{"amd64", "arm64", "arm"} {
		if _, ok := Of(goarch); !ok {
			t.Errorf("%s is not known", goarch)
		}
	}
	if _, ok := Of("s390x"); ok {
		t.Error("s390x is known")
	}
}
