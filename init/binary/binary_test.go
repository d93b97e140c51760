package binary

import (
	"os"
	"testing"
)

// Without /proc the program is known by the name that it was executed by: that is the same file.
func TestGivenIsOurOwnFile(t *testing.T) {
	t.Parallel()
	if given() == "" {
		t.Fatal("the kernel does not tell the name")
	}
	want, err := os.Stat(own)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := os.Stat(given()); err != nil || !os.SameFile(got, want) {
		t.Errorf("%q is not %s: %v", given(), own, err)
	}
}
