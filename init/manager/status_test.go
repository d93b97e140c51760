package manager

import "testing"

func TestInnermost(t *testing.T) {
	t.Parallel()
	for status, want := range map[string]int{
		"Name:\tx\nNSpid:\t417\t12\t1\nNSsid:\t3\n": 1,
		"NSpid:\t417\n": 417,
		"NSpid:\n":      0,
		"NSpid:\t-1\n":  0,
		"NSpid:\tx\n":   0,
		"Pid:\t417\n":   0,
	} {
		if got, ok := innermost(status); got != want && ok || ok != (want > 0) {
			t.Errorf("%q is %d %v, want %d", status, got, ok, want)
		}
	}
}

func TestDumps(t *testing.T) {
	t.Parallel()
	for status, want := range map[string]bool{
		"Name:\tx\nCoreDumping:\t1\nTHP_enabled:\t1\n": true,
		"Name:\tx\nCoreDumping:\t0\n":                  false,
		"Name:\tx\n":                                   false, // before Linux 4.15
		"Name:\tCoreDumping:\t1\\n\n":                  false,
	} {
		if got := dumps([]byte(status)); got != want {
			t.Errorf("%q: %v", status, got)
		}
	}
}

// FuzzStatus: a status file of a process, which may name itself as it likes, is read without a fall.
func FuzzStatus(f *testing.F) {
	f.Add("Name:\tx\nSigBlk:\t0000000000000000\nSigCgt:\t0000000180004002\nNSpid:\t417\t1\nVmSize:\t1 kB\nSigPnd:\t0000000000000100\n")
	f.Add("NSpid:\n")
	f.Add("SigCgt:\tffffffffffffffffff\nShdPnd:\t\n")
	f.Fuzz(func(t *testing.T, text string) {
		for _, sig := range []int{1, 15, 64} {
			hears(text, sig)
		}
		dies([]byte(text))
		dumps([]byte(text))
		if pid, ok := innermost(text); ok && pid <= 0 {
			t.Errorf("%q: pid %d", text, pid)
		}
	})
}
