// Package command is what people type: each command asks the control socket, or works on files alone, and prints.
//
// It owns the words on the terminal, plain lines in a pipe, and JSON. It must not know how anything is done: all that
// it shows, a program in any language can ask on the control socket too.
//
//	orderly status ──► control.Client ──► table, lines or --json ──► exit status 0 done, 1 failed, 2 wrong usage
package command

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/orderly-init/orderly/control"
)

// Main runs the command of args, the name of the program first, and returns the exit status.
func Main(args []string) int {
	root := newRoot()
	rest := args[1:]
	switch name := filepath.Base(args[0]); name {
	case "poweroff", "reboot", "halt":
		rest = append([]string{name}, rest...)
	}
	root.SetArgs(rest)
	root.SetOut(&outlet{Writer: os.Stdout})
	cmd, err := root.ExecuteC()
	if err == nil {
		err = unwritten(root)
	}
	var code exitCode
	switch {
	case errors.As(err, &code):
		return int(code)
	case err == nil:
		return 0
	case errors.As(err, new(*failure)):
		if text := err.Error(); text != "" {
			fmt.Fprintf(os.Stderr, "orderly: %s\n", text)
		}
		return 1
	}
	fmt.Fprintf(os.Stderr, "orderly: %v\nRun '%s --help' for usage.\n", err, cmd.CommandPath())
	return 2
}

// failure is an error of what was tried, exit status 1; every other error is one of usage, exit status 2.
type failure struct{ err error }

func (f *failure) Error() string {
	if f.err == nil {
		return ""
	}
	return f.err.Error()
}

func (f *failure) Unwrap() error { return f.err }

// errSilent is a failure that has been explained already.
var errSilent = &failure{}

// tried makes an error of a command's work one of exit status 1.
func tried(err error) error {
	if err == nil {
		return nil
	}
	return &failure{err}
}

// options are the flags that every command has.
type options struct {
	control string
	json    bool
}

func newRoot() *cobra.Command {
	o := &options{}
	root := &cobra.Command{
		Use:           "orderly",
		Short:         "Brings a machine up in dependency order and keeps it so",
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.PersistentFlags().StringVar(&o.control, "control", control.DefaultPath(), "path of the control socket")
	root.PersistentFlags().BoolVar(&o.json, "json", false, "print JSON")
	root.AddGroup(
		&cobra.Group{ID: "look", Title: "Looking:"},
		&cobra.Group{ID: "change", Title: "Changing:"},
		&cobra.Group{ID: "files", Title: "Files:"},
	)
	add := func(group string, list ...*cobra.Command) {
		for _, c := range list {
			c.GroupID = group
			root.AddCommand(c)
		}
	}
	add("look", statusCommand(o), showCommand(o), listCommand(o), whyCommand(o), planCommand(o), graphCommand(o), waitCommand(o),
		logCommand(o), eventsCommand(o), historyCommand(o), topCommand(o))
	add("change", activateCommand(o), startCommand(o), stopCommand(o), restartCommand(o), reloadCommand(o), adoptCommand(o), releaseCommand(o), enterCommand(o), applyCommand(o), confirmCommand(o),
		upgradeCommand(o), endCommand(o, "poweroff"), endCommand(o, "reboot"), endCommand(o, "halt"), endCommand(o, "kexec"))
	add("files", checkCommand(o), runCommand())
	root.AddCommand(versionCommand(o))
	root.SetHelpCommand(helpCommand())
	root.InitDefaultCompletionCmd()
	if c, _, err := root.Find([]string{"completion"}); err == nil { // alone it is its help, with a shell that it does not know an error
		c.RunE = func(c *cobra.Command, _ []string) error { return c.Help() }
	}
	return root
}

func helpCommand() *cobra.Command {
	return &cobra.Command{Use: "help [COMMAND]", Short: "Help about any command", RunE: func(c *cobra.Command, args []string) error {
		about, rest, err := c.Root().Find(args)
		switch {
		case err != nil:
			return err
		case len(rest) > 0:
			return fmt.Errorf("unknown command %q for %q", rest[0], about.CommandPath())
		}
		return about.Help()
	}}
}

// runCommand is here for the help; the program itself handles it before it comes to commands.
func runCommand() *cobra.Command {
	c := &cobra.Command{Use: "run", Short: "Supervise in the foreground, not as PID 1", Args: cobra.NoArgs,
		Run: func(*cobra.Command, []string) {}}
	c.Flags().StringArray("config", nil, "configuration directory or file, repeatable (default /usr/lib/orderly, /etc/orderly, /run/orderly/conf)")
	c.Flags().String("target", "", "run target to activate (default initial_target)")
	return c
}

func versionCommand(o *options) *cobra.Command {
	return &cobra.Command{Use: "version", Short: "Print the version", Args: cobra.NoArgs, RunE: func(c *cobra.Command, _ []string) error {
		return o.print(c, map[string]string{"version": Version()}, func(w *writer) { w.line("orderly %s", Version()) })
	}}
}

// Version is the version of the module, and the commit where it was built from one.
func Version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	version, revision := info.Main.Version, ""
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			revision = s.Value
		}
	}
	if version == "" || version == "(devel)" {
		version = "development"
	}
	if len(revision) >= 12 {
		version += " " + revision[:12]
	}
	return version
}
