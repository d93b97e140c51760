package command

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	system "github.com/orderly-init/orderly/init/inspect"
	"github.com/orderly-init/orderly/targets"
)

// checkFlags are the flags of check.
type checkFlags struct {
	strict, rootless, security bool
	root                       string
	names                      []string
	most                       float64
}

func checkCommand(o *options) *cobra.Command {
	f := &checkFlags{}
	c := &cobra.Command{
		Use: "check [DIR|FILE...]", Short: "Find every problem of a configuration, without running it",
		RunE: func(c *cobra.Command, args []string) error {
			if err := f.check(c); err != nil {
				return err
			}
			return o.check(c, f, args)
		},
	}
	c.Flags().BoolVar(&f.strict, "strict", false, "look for programs, accounts, directories and devices too")
	c.Flags().StringVar(&f.root, "root", "", "look for them in the image below this directory (implies --strict)")
	c.Flags().BoolVar(&f.rootless, "rootless", false, "find what needs root, for an Orderly of the user who asks")
	c.Flags().BoolVar(&f.security, "security", false, "score how exposed each component is, 0.0 safe to 10.0 exposed")
	c.Flags().StringArrayVar(&f.names, "component", nil, "with --security: this component, with every finding (repeatable)")
	c.Flags().Float64Var(&f.most, "max-exposure", 10, "with --security: fail where a component is more exposed")
	return c
}

// check finds flags that do not go together.
func (f *checkFlags) check(c *cobra.Command) error {
	if !f.security && (c.Flags().Changed("component") || c.Flags().Changed("max-exposure")) {
		return errors.New("--component and --max-exposure need --security")
	}
	if f.most < 0 || f.most > 10 {
		return fmt.Errorf("--max-exposure %v is not between 0 and 10", f.most)
	}
	return nil
}

func (o *options) check(c *cobra.Command, f *checkFlags, paths []string) error {
	if len(paths) == 0 {
		paths = f.directories()
	}
	look, done, err := f.look()
	if err != nil {
		return tried(err)
	}
	defer done()
	config, problems := inspect(paths, look)
	if f.security && !problems.Fatal() {
		for _, p := range problems {
			fmt.Fprintln(os.Stderr, p)
		}
		return o.exposure(c, f, system.Exposures(config))
	}
	lines := make([]string, 0, len(problems))
	for _, p := range problems {
		lines = append(lines, p.String())
	}
	err = o.print(c, lines, func(w *writer) {
		for _, l := range lines {
			w.line("%s", l)
		}
	})
	if err == nil && problems.Fatal() {
		return errSilent
	}
	return err
}

// directories are the default ones, in an image those that it has.
func (f *checkFlags) directories() []string {
	if f.root == "" {
		return targets.DefaultDirs()
	}
	var dirs []string
	for _, dir := range targets.DefaultDirs() {
		dir = filepath.Join(f.root, dir)
		if _, err := os.Stat(dir); err == nil {
			dirs = append(dirs, dir)
		}
	}
	return dirs
}

// look is what a configuration is held against. done ends it.
func (f *checkFlags) look() (look func(*targets.Config) []targets.Finding, done func(), err error) {
	var root *system.Root
	done = func() {}
	if f.strict || f.root != "" {
		if root, err = system.Open(f.root); err != nil {
			return nil, nil, err
		}
		done = func() { root.Close() }
	}
	return func(config *targets.Config) []targets.Finding {
		var found []targets.Finding
		if root != nil {
			found = system.Strict(config, root)
		}
		if f.rootless {
			found = append(found, system.Rootless(config, strconv.Itoa(os.Geteuid()))...)
		}
		return found
	}, done, nil
}

// exposure prints the scores, with every finding of those that are named.
func (o *options) exposure(c *cobra.Command, f *checkFlags, list []system.Exposure) error {
	var above, names []string
	for _, e := range list {
		names = append(names, e.Name)
	}
	for _, name := range f.names {
		if !slices.Contains(names, name) {
			return tried(fmt.Errorf("no component %s%s", name, didYouMean(name, names)))
		}
	}
	if len(f.names) > 0 {
		list = slices.DeleteFunc(list, func(e system.Exposure) bool { return !slices.Contains(f.names, e.Name) })
	}
	for _, e := range list {
		if e.Score > f.most {
			above = append(above, fmt.Sprintf("%s %.1f", e.Name, e.Score))
		}
	}
	err := o.print(c, list, func(w *writer) { w.exposure(list, len(f.names) > 0) })
	if err == nil && len(above) > 0 {
		err = tried(fmt.Errorf("more exposed than %.1f: %s", f.most, strings.Join(above, ", ")))
	}
	return err
}

func didYouMean(name string, names []string) string {
	if near := targets.Nearest(name, names); len(near) > 0 {
		return "; did you mean " + strings.Join(near, " or ") + "?"
	}
	return ""
}

func (w *writer) exposure(list []system.Exposure, all bool) {
	if !all {
		var rows [][]string
		for _, e := range list {
			worst := "-"
			if len(e.Findings) > 0 {
				worst = e.Findings[0].What
			}
			rows = append(rows, []string{e.Name, fmt.Sprintf("%.1f", e.Score), e.Level, worst})
		}
		w.table([]string{"COMPONENT", "EXPOSURE", "LEVEL", "WORST"}, rows)
		return
	}
	for _, e := range list {
		w.line("%s: %.1f, %s", e.Name, e.Score, e.Level)
		for _, f := range e.Findings {
			w.line("  %.2f %s: %s; write %s", f.Points, f.Key, f.What, f.Write)
		}
	}
}
