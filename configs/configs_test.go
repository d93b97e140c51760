// Package configs has no code: it is the examples, and this test that keeps them true.
package configs

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/orderly-init/orderly/targets"
)

// examples are the files and directories of which each is one configuration.
func examples(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("*.toml")
	if err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.IsDir() {
			files = append(files, e.Name())
		}
	}
	return files
}

func load(t *testing.T, path string) *targets.Config {
	t.Helper()
	sources, problems := targets.ReadSources(path)
	for _, p := range problems {
		t.Error(p)
	}
	config, problems := targets.Load(sources)
	for _, p := range problems {
		t.Error(p)
	}
	if config == nil {
		t.FailNow()
	}
	return config
}

func TestEveryExampleLoadsWithoutNotice(t *testing.T) {
	t.Parallel()
	for _, path := range examples(t) {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			load(t, path)
		})
	}
}

// The chain of the launch manager's example: each component of debug needs the one before.
func TestDebugIsAChain(t *testing.T) {
	t.Parallel()
	config := load(t, "example")
	chain := []string{"flash-driver", "filesystem", "setup-filesystems", "networking", "ssh"}
	for i, name := range chain[1:] {
		c, ok := config.Component(name)
		if !ok || !slices.Equal(config.Components[c].DependsOn, chain[i:i+1]) {
			t.Errorf("%s does not depend on %s alone", name, chain[i])
		}
	}
}
