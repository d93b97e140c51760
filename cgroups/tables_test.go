package cgroups

import "testing"

func TestResident(t *testing.T) {
	t.Parallel()
	for statm, want := range map[string]int64{
		"100 25 3 1 0 9 0\n":               25 * 4096,
		"100 -25":                          0,
		"100":                              0,
		"":                                 0,
		"1 9223372036854775807 3":          (1<<63 - 1) / 4096 * 4096,
		"1 99999999999999999999 too large": 0,
	} {
		if got := resident(statm, 4096); got != want {
			t.Errorf("%q is %d bytes, want %d", statm, got, want)
		}
	}
}

// FuzzTables: the tables of /proc about groups and memory are read without a fall, and no size is below nothing.
func FuzzTables(f *testing.F) {
	f.Add("#subsys_name\thierarchy\tnum_cgroups\tenabled\nmemory\t0\t80\t1\nblkio\t3\t1\t1\n")
	f.Add("12:pids:/user\n0::/orderly/svc (deleted)\n")
	f.Add("100 9223372036854775807 3 1 0 9 0\n")
	f.Add("0::\n0::/x")
	f.Fuzz(func(t *testing.T, text string) {
		if why("io", text) == "" {
			t.Errorf("%q: no reason", text)
		}
		unified(text)
		if n := resident(text, 4096); n < 0 || n%4096 != 0 {
			t.Errorf("%q: %d bytes", text, n)
		}
	})
}
