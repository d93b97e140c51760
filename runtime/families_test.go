package runtime

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A family is the roots, the session of each, and what those have started; the dead are left out.
func TestFamily(t *testing.T) {
	t.Parallel()
	all := []Process{
		{PID: 5, Parent: 9, Session: 2}, // its parent has a higher pid
		{PID: 9, Parent: 7, Session: 7}, {PID: 7, Parent: 1, Session: 7}, {PID: 8, Parent: 1, Session: 7},
		{PID: 10, Parent: 7, Session: 7, Dead: true}, {PID: 20, Parent: 1, Session: 20}, {PID: 30, Parent: 1, Session: 2},
	}
	for name, one := range map[string]struct{ roots, want []int }{
		"one":  {[]int{7}, []int{5, 9, 7, 8}},
		"two":  {[]int{20, 30}, []int{20, 30}},
		"none": {[]int{0}, nil},
	} {
		if d := cmp.Diff(one.want, family(all, one.roots)); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
}
