package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestTextsStandThere holds the list to the code, so that it is found out before the next long run when the code has gone on.
func TestTextsStandThere(t *testing.T) {
	t.Parallel()
	list := all()
	if _, err := overlayOf("../..", t.TempDir(), list); err != nil {
		t.Error(err)
	}
	seen := map[string]bool{}
	for _, m := range list {
		text, err := os.ReadFile(filepath.Join("../..", m.file))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := m.place(string(text)); err != nil {
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

func TestWeave(t *testing.T) {
	t.Parallel()
	const text = "package p\n\nfunc (m *M) f(a, b int) bool {\n\treturn a < b\n}\n\nfunc g() {\n\th()\n}\n"
	got, err := weave("p.go", text, numbered{1: {right: "a < b", wrong: "a > b"}, 2: {right: "\th()\n"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"bool {\n\tif fault == 1 {\n\t\treturn m.fFault1(a, b)\n\t}\n\n\treturn a < b",
		"func (m *M) fFault1(a, b int) bool {\n\treturn a > b\n}",
		"func g() {\n\tif fault == 2 {\n\t\tgFault2()\n\t\treturn\n\t}\n\n\th()\n}",
		"func gFault2() {\n}",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%s\nis not in\n%s", want, got)
		}
	}
	for _, m := range []mutant{{right: "package p"}, {right: "a"}, {right: "nowhere"}} {
		if _, err := weave("p.go", text, numbered{1: &m}); err == nil {
			t.Errorf("%q is woven", m.right)
		}
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
