package targets

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

var update = flag.Bool("update", false, "write what is found into the want sections of testdata/load")

// TestLoadScripts loads each archive of testdata/load and compares all its problems. A file below later/ is of the
// second layer, one in a *.d directory is a drop-in. An empty want section is a configuration without problems.
func TestLoadScripts(t *testing.T) {
	t.Parallel()
	scripts, err := filepath.Glob("testdata/load/*.txtar")
	if err != nil || len(scripts) == 0 {
		t.Fatal("no scripts", err)
	}
	for _, script := range scripts {
		t.Run(strings.TrimSuffix(filepath.Base(script), ".txtar"), func(t *testing.T) {
			t.Parallel()
			archive, err := txtar.ParseFile(script)
			if err != nil {
				t.Fatal(err)
			}
			sources, want := archiveSources(archive)
			cfg, problems := Load(sources)
			if (cfg == nil) != problems.Fatal() {
				t.Errorf("configuration %v with problems %v", cfg, problems)
			}
			got := ""
			if len(problems) > 0 {
				got = problems.Error() + "\n"
			}
			if *update {
				archive.Files[len(archive.Files)-1].Data = []byte(got)
				if err := os.WriteFile(script, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}

func archiveSources(archive *txtar.Archive) (sources []Source, want string) {
	for _, f := range archive.Files {
		if f.Name == "want" {
			return sources, string(f.Data)
		}
		s := Source{Path: f.Name, Data: f.Data, DropIn: strings.Contains(f.Name, ".d/")}
		if strings.HasPrefix(f.Name, "later/") {
			s.Layer = 1
		}
		sources = append(sources, s)
	}
	return sources, want
}

// TestSample loads the configuration that the documentation shows.
func TestSample(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("testdata/sample.toml")
	if err != nil {
		t.Fatal(err)
	}
	cfg, problems := Load([]Source{{Path: "sample.toml", Data: data}})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	if len(cfg.Components) != 5 || len(cfg.Targets) != 3 {
		t.Errorf("%d components and %d targets", len(cfg.Components), len(cfg.Targets))
	}
}

// TestManyProblems: a file of garbage is reported up to a bound, with how much is left.
func TestManyProblems(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	for i := range maxProblems + 500 {
		fmt.Fprintf(&b, "key%d = 1\n", i)
	}
	b.WriteString("[target.t]\ndepends_on = ['nobody']\n")
	_, problems := Load([]Source{{Path: "a.toml", Data: []byte(b.String())}})
	if last := problems[len(problems)-1].String(); len(problems) != maxProblems+1 || last != "and 501 more problems" {
		t.Errorf("%d problems, the last: %s", len(problems), last)
	}
}
