package manager

import "testing"

func TestNarrowKernels(t *testing.T) {
	t.Parallel()
	for machine, want := range map[string]bool{
		"armv7l": true, "armv6l": true, "i686": true, "i386": true, "aarch64": false, "armv8l": false, "x86_64": false, "": false, "ia64": false,
	} {
		if got := isNarrow(machine); got != want {
			t.Errorf("%s: %v", machine, got)
		}
	}
}
