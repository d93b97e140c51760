package main

import "testing"

// TestTextsStandThere holds the list to the code, so that it is found out before the next long run when the code has gone on.
func TestTextsStandThere(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, m := range all() {
		if _, err := m.mutate("../.."); err != nil {
			t.Error(err)
		}
		if m.right == m.wrong || m.why == "" || seen[m.why] {
			t.Errorf("%s: %q is no fault, or is there twice", m.file, m.why)
		}
		seen[m.why] = true
	}
	if len(seen) < 40 {
		t.Errorf("%d faults are fewer than 40", len(seen))
	}
}

func TestFailureNamesTheTest(t *testing.T) {
	t.Parallel()
	for out, want := range map[string]string{
		"seed 3 breaks \"start order\": b\n--- FAIL: TestSeeds": "start order",
		"--- FAIL: TestA (0s)\n    --- FAIL: TestA/x (0s)":      "TestA/x",
		"panic: test timed out after 2m\n":                      "without end",
		"panic: nil\n":                                          "panic",
	} {
		if got := failure(out); got != want {
			t.Errorf("%q is %q, want %q", out, got, want)
		}
	}
}
