package main

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/control"
	"github.com/orderly-init/orderly/init/boot"
	"github.com/orderly-init/orderly/init/keeper"
	"github.com/orderly-init/orderly/init/manager"
	"github.com/orderly-init/orderly/init/poll"
	"github.com/orderly-init/orderly/init/watchdog"
	"github.com/orderly-init/orderly/supervisor"
)

// maxRecords bounds the facts table: a component has one record, and one more for each command that it runs. The
// memory is taken only as it is used.
const maxRecords = 16384

// asPID1 is the keeper of a machine that is ours. Arguments are ignored: the kernel passes what it does not know.
func asPID1() int {
	signals := keeper.Catch()
	widen()
	before, err := keeper.Inherited()
	var notes []string
	if before == nil {
		notes = boot.Early()
	}
	voice := boot.NewVoice(os.Stderr) // a console that is stuck must not hold up PID 1
	if err != nil {
		notes = append(notes, err.Error())
	}
	for _, n := range notes {
		fmt.Fprintln(voice, "orderly: "+n)
	}
	line := boot.ReadCommandLine()
	o := manager.Options{Target: line.Target, Control: control.DefaultPath()}
	if line.Config != "" {
		o.Config = []string{line.Config}
	}
	_, err = keeper.Run(keeper.Options{
		Signals: signals, From: before, PID1: true, Args: o.Arguments(), Facts: supervisor.TableSize(maxRecords), Voice: voice,
		Env: append(environment(), manager.EnvNotes+"="+strings.Join(notes, "\n")),
		End: func(e keeper.Ending) {
			end := supervisor.End(e.End)
			boot.Down(boot.DownOptions{
				End: end, Grace: 5 * time.Second, Now: e.Now, Voice: voice, Last: func() { e.Last(e.Disarm || stays(end)) },
			})
		},
		GiveUp: func(int) {
			boot.GaveUp(poll.Now())
			boot.Down(boot.DownOptions{End: supervisor.Reboot, Why: "no manager could be had", Grace: time.Second, Voice: voice})
		},
		Now:   boot.Now,
		Shown: func(string) {},

		Watchdog: cmp.Or(line.Watchdog, watchdog.Armed()),
	})
	fmt.Fprintf(voice, "orderly: %v\n", err)
	boot.Down(boot.DownOptions{End: supervisor.Reboot, Voice: voice})
	return 1
}

// stays says whether the machine is meant to stay down: then nothing may start it again.
func stays(end supervisor.End) bool {
	return end == supervisor.Poweroff || end == supervisor.Halt || end == supervisor.Exit
}

// run is `orderly run`: the same supervisor in the foreground.
func run(args []string) int {
	signals := keeper.Catch()
	widen()
	var o manager.Options
	flags := manager.Flags(&o)
	if err := flags.Parse(args); err != nil {
		return 2
	}
	if flags.NArg() > 0 {
		fmt.Fprintf(os.Stderr, "orderly: run takes no arguments, and %q is one\n", flags.Arg(0))
		return 2
	}
	if o.Control == "" {
		o.Control = control.DefaultPath()
	}
	if err := o.Absolute(); err != nil {
		fmt.Fprintf(os.Stderr, "orderly: %v\n", err)
		return 1
	}
	before, err := keeper.Inherited()
	if err != nil {
		fmt.Fprintf(os.Stderr, "orderly: %v\n", err)
		return 1
	}
	code, err := keeper.Run(keeper.Options{
		Signals: signals, From: before,
		Args: o.Arguments(), Env: environment(), Facts: supervisor.TableSize(maxRecords), Voice: os.Stderr,
		GiveUp: giveUp, Shown: func(text string) { daemon.SdNotify(false, text) }, Above: above(),
	})
	if err != nil {
		fmt.Fprintf(os.Stderr, "orderly: %v\n", err)
	}
	return code
}

// try says whether this program could go on as the keeper that started it for that question.
func try() int {
	if err := keeper.Try(); err != nil {
		fmt.Fprintf(os.Stderr, "orderly: %v\n", err)
		return 1
	}
	return 0
}

// environment is what a manager is given of ours, for components that ask for it (pass_environment). The names of
// what the keeper itself tells a manager are left out.
func environment() []string {
	return slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "ORDERLY_") })
}

// giveUp ends `orderly run` when no manager can be had: the components, each of which leads its session, are killed
// by their records.
func giveUp(facts int) {
	if mem, err := keeper.Map(facts); err == nil {
		if table, err := supervisor.OpenTable(mem); err == nil {
			for i := range table.Len() {
				if pid := table.PID(i); pid > 1 {
					unix.Kill(-pid, unix.SIGKILL)
				}
			}
		}
	}
	os.Exit(1)
}

// above is the watchdog of a service manager above us, nil where it asks for no signs of life (sd_watchdog_enabled(3)).
func above() *watchdog.Device {
	timeout, err := daemon.SdWatchdogEnabled(false)
	if err != nil || timeout <= 0 {
		return nil
	}
	return watchdog.Above(timeout, func() error {
		_, err := daemon.SdNotify(false, daemon.SdNotifyWatchdog)
		return err
	})
}
