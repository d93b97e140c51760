package conformance

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
)

const table = "../docs/reliability.md"

const heading = `# Reliability

What goes wrong with init systems and supervisors, and what Orderly does then. Each row is a scenario: what is done, and what must come of it. The rows are
written by the suite in [conformance](../conformance), which plays the scenarios with the real program: ` + "`go test ./conformance -run Table -update`" + `.

- **run**: with ` + "`orderly run`" + `; **pid1**: with the program as PID 1 of a PID namespace; *long*: only with ` + "`make conformance`" + `.
- A name instead is the test that shows it: a script of [init/testdata/script](../init/testdata/script), or one in Go, those of ` + "`qemu/`" + ` in a machine of their own.
  A script is played in both places too; where *run* is behind its name, only there, for the reason that
  [foreground.txt](../init/testdata/foreground.txt) has.
- **not yet**: nothing shows it.

A scenario that is played holds, or the suite fails. Many are about time, on machines that others use too: what failed in ` + "`make test`" + `, if it was no more than
three, is played once more by itself, and that is told at the end. After every one of them this holds too: each run was executed once, and at no instant were two runs
of a component alive; what is reported is what is there; the keeper has no child but the manager, living or dead; manager and keeper have the descriptors
that they had, no more memory or threads than a fixed amount; no cgroup, mount, socket, pid file or process is left; nobody is woken while there is nothing
to do; each change of a component and of the whole was a legal one and had a cause; event stream, log and status tell the same; the manager never slept in
the kernel for long; and the control socket answered within 50 ms, not counting the time in which either side waited for a processor: never were three
answers in a row later, nor one later than 250 ms, or than a second on a busy machine.

A script is held to the same, but that each run was executed once: while it is played the control socket answers in time, or within 3 s on a busy machine, unless the
script holds up who is to answer; and when it is over, its configuration is replaced by an empty one, with which manager and keeper must hold what those of another Orderly hold that
never had a different one, and rest.
`

// record heads what testdata/runs.txt has.
const record = `
## Long runs on record

What takes too long for each change is done by hand, and written down with the day and the commit.

| run | what came of it | when, at |
|---|---|---|
`

// row is one line of the table.
type row struct{ id, story, where string }

// rows are those of a group: what is played, and what the plan says of the others.
func (g group) rows(plan []row) (list []row) {
	letter := g.scenarios[0].id[:1]
	for i := range g.scenarios {
		list = append(list, g.scenarios[i].row())
	}
	for _, r := range plan {
		if r.id[:1] == letter {
			list = append(list, r)
		}
	}
	slices.SortStableFunc(list, func(a, b row) int { return cmp.Or(number(a.id)-number(b.id), strings.Compare(a.id, b.id)) })
	return list
}

// number is that of an id: its letter only groups.
func number(id string) (n int) {
	fmt.Sscanf(id[1:], "%d", &n)
	return n
}

func (s *scenario) row() row {
	r := row{id: s.id, story: s.story}
	for _, p := range s.where() {
		r.where += string(p) + ", "
	}
	r.where = strings.TrimSuffix(r.where, ", ")
	if s.long {
		r.where += ", *long*"
	}
	return r
}

// planned reads what is shown elsewhere, or not yet: lines of "ID | story | tests", or a group's letter and its name.
func planned(t *testing.T) (plan []row, others []row) {
	t.Helper()
	b, err := os.ReadFile("testdata/plan.txt")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		f := strings.Split(strings.TrimSpace(line), " | ")
		switch {
		case len(f) == 2:
			others = append(others, row{id: f[0], story: f[1]})
		case len(f) == 3:
			plan = append(plan, row{f[0], f[1], shown(t, f[2])})
		default:
			t.Errorf("testdata/plan.txt: %q", line)
		}
	}
	return plan, others
}

// shown is the cell of tests that are named, each of which must be there.
func shown(t *testing.T, names string) string {
	if names == "-" {
		return "**not yet**"
	}
	var cells []string
	for _, name := range strings.Fields(names) {
		file, function, isGo := strings.Cut(name, ":")
		only := ""
		if !isGo {
			file = filepath.Join("init/testdata/script", name)
			reasons, err := os.ReadFile("../init/testdata/foreground.txt")
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains("\n"+string(reasons), "\n"+name+" | ") {
				only = " *run*"
			}
		}
		b, err := os.ReadFile(filepath.Join("..", file))
		if err != nil || isGo && !strings.Contains(string(b), "\nfunc "+function+"(t *testing.T)") && !strings.Contains(string(b), "\nfunc "+function+"(f *testing.F)") {
			t.Errorf("there is no test %s", name)
		}
		cells = append(cells, "`"+name+"`"+only)
	}
	return strings.Join(cells, ", ")
}

func document(t *testing.T) string {
	t.Helper()
	plan, others := planned(t)
	sections := map[string]string{}
	add := func(name string, list []row) {
		var b strings.Builder
		fmt.Fprintf(&b, "\n## %s\n\n| id | scenario | shown by |\n|---|---|---|\n", name)
		for _, r := range list {
			fmt.Fprintf(&b, "| %s | %s | %s |\n", r.id, r.story, r.where)
		}
		sections[list[0].id[:1]] = b.String()
	}
	for _, g := range groups() {
		add(g.name, g.rows(plan))
	}
	for _, o := range others {
		add(o.story, group{scenarios: []scenario{{id: o.id}}}.rows(plan)[1:])
	}
	var b strings.Builder
	b.WriteString(heading)
	for _, letter := range slices.Sorted(maps.Keys(sections)) {
		b.WriteString(sections[letter])
	}
	runs, err := os.ReadFile("testdata/runs.txt")
	if err != nil {
		t.Fatal(err)
	}
	b.WriteString(record)
	for line := range strings.Lines(string(runs)) {
		fmt.Fprintf(&b, "| %s |\n", strings.TrimSpace(line))
	}
	return b.String()
}

// TestTable holds docs/reliability.md to what there is.
func TestTable(t *testing.T) {
	t.Parallel()
	want := document(t)
	if *update {
		if err := os.WriteFile(table, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	b, err := os.ReadFile(table)
	if err != nil {
		t.Fatal(err)
	}
	if diff := gocmp.Diff(want, string(b)); diff != "" {
		t.Errorf("%s is not what the suite has; go test ./conformance -run Table -update (-want +got):\n%s", table, diff)
	}
	each, numbers := map[string]bool{}, map[int]bool{}
	for line := range strings.Lines(want) {
		if id, _, ok := strings.Cut(strings.TrimPrefix(line, "| "), " | "); ok && id != "id" {
			if each[id] {
				t.Errorf("%s is there twice", id)
			}
			each[id] = true
			if len(id) > 1 && !strings.Contains(line, "**not yet**") {
				numbers[number(id)] = true
			}
		}
	}
	for n := 1; n <= lastScenario; n++ {
		if !numbers[n] {
			t.Errorf("no row shows scenario %d", n)
		}
	}
}

// lastScenario is the number of the last one of the list of scenarios that others have met, which the table is made from; all are in it.
const lastScenario = 155
