package manager

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orderly-init/orderly/runtime"
	"github.com/orderly-init/orderly/runtime/seccomp"
	"github.com/orderly-init/orderly/targets"
)

// With rules on TCP every filter has those that Landlock needs, before its own, and where there is no other it is these.
func TestFilterOfTCP(t *testing.T) {
	t.Parallel()
	table := &targets.Filter{Default: "errno", Error: 1, Allow: []string{"read", "socket"}}
	bind, connect := &targets.Landlock{TCPBind: []int{}}, &targets.Landlock{TCPConnect: []int{80}}
	for name, s := range map[string]targets.Security{
		"none": {}, "default": {Seccomp: "default"}, "table": {Seccomp: "some", Filter: table},
	} {
		own, err := profile(&s)
		if err != nil {
			t.Fatal(err)
		}
		want := own
		want.Rules = slices.Concat(seccomp.PlainTCP(), own.Rules)
		if name == "none" {
			want.Default = seccomp.Allow
		}
		for _, l := range []*targets.Landlock{bind, connect} {
			s.Landlock = l
			got, err := profile(&s)
			if diff := cmp.Diff(want, got); err != nil || diff != "" {
				t.Errorf("%s: %v %s", name, err, diff)
			}
		}
	}
}

// Which components have which filter: two with the same share it, others do not.
func TestFilterShared(t *testing.T) {
	t.Parallel()
	files, tcp := &targets.Landlock{Execute: []string{"/"}}, &targets.Landlock{TCPBind: []int{}}
	table := &targets.Filter{Default: "allow"}
	m := &Manager{config: &targets.Config{}}
	made := map[*uint64]string{}
	for _, row := range []struct {
		name string
		s    targets.Security
	}{
		{"", targets.Security{}}, {"", targets.Security{Landlock: files}}, {"tcp", targets.Security{Landlock: tcp}},
		{"default", targets.Security{Seccomp: "default"}}, {"default", targets.Security{Seccomp: "default", Landlock: files}},
		{"default and tcp", targets.Security{Seccomp: "default", Landlock: tcp}},
		{"default of capabilities", targets.Security{Seccomp: "default", Capabilities: []int{1}}},
		{"table", targets.Security{Seccomp: "some", Filter: table}},
		{"table and tcp", targets.Security{Seccomp: "some", Filter: table, Landlock: tcp}},
		{"tcp", targets.Security{Landlock: &targets.Landlock{TCPConnect: []int{1}}, Capabilities: []int{1}}},
	} {
		def := &targets.Component{}
		def.Security = row.s
		code, err := m.filter(&unit{def: def})
		switch {
		case err != nil:
			t.Fatal(err)
		case row.name == "":
			if code != nil {
				t.Errorf("%+v has a filter", row.s)
			}
		case made[&code[0]] == "":
			made[&code[0]] = row.name
		case made[&code[0]] != row.name:
			t.Errorf("%s has the filter of %s", row.name, made[&code[0]])
		}
	}
	if len(made) != 6 {
		t.Errorf("%d filters: %v", len(made), made)
	}
}

// A filter for Landlock alone takes no privileges away from a user's process, and is as optional as what it is for.
func TestFilterStep(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name, seccomp string
		optional      []string
		bundle        string
		privileges    bool // that set-user-ID programs still give
		mustFilter    bool
	}{
		{name: "rules", privileges: true, mustFilter: true},
		{name: "optional rules", optional: []string{"landlock"}, privileges: true},
		{name: "a filter too", seccomp: "default", mustFilter: true},
		{name: "optional rules, a filter", seccomp: "default", optional: []string{"landlock"}, mustFilter: true},
		{name: "rules, an optional filter", seccomp: "default", optional: []string{"seccomp"}, mustFilter: true},
		{name: "all optional", seccomp: "default", optional: []string{"landlock", "seccomp"}},
		{name: "optional rules of a bundle", optional: []string{"landlock"}, bundle: "/b", privileges: true, mustFilter: true},
	} {
		def := &targets.Component{}
		def.OptionalSteps = row.optional
		def.Security = targets.Security{Seccomp: row.seccomp, Landlock: &targets.Landlock{TCPBind: []int{}}}
		if row.bundle != "" {
			def.Container = &targets.Container{Bundle: row.bundle}
		}
		s := runtime.Spec{Path: "/bin/true", Credential: &runtime.Credential{UID: 1}}
		if err := (&Manager{config: &targets.Config{}}).attributes(&unit{def: def}, &s); err != nil {
			t.Fatal(err)
		}
		names := stepNames(&s, runtime.Host{Admin: true, Landlock: 7})
		if !slices.Contains(names, "seccomp") || slices.Contains(names, "no new privileges") == row.privileges {
			t.Errorf("%s: %v", row.name, names)
		}
		ordinary := stepNames(&s, runtime.Host{Landlock: 7})
		if given := slices.Index(ordinary, "no new privileges"); given < 0 || given > slices.Index(ordinary, "seccomp") {
			t.Errorf("%s: by an ordinary user: %v", row.name, ordinary)
		}
		if must := s.Optional&(1<<runtime.FilterPart) == 0; must != row.mustFilter {
			t.Errorf("%s: the filter must be there: %v", row.name, must)
		}
	}
}

func stepNames(s *runtime.Spec, h runtime.Host) []string {
	var names []string
	for _, step := range s.Steps(h) {
		names = append(names, step.Name())
	}
	return names
}
