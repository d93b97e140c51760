package command

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/orderly-init/orderly/control"
)

func byHand(o *options, use, short, method string) *cobra.Command {
	return &cobra.Command{
		Use: use + " NAME...", Short: short, Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return o.request(c, method, control.NamesParam{Names: args})
		},
	}
}

// request makes a call that ends in a result, and tells it.
func (o *options) request(c *cobra.Command, method string, in any) error {
	var reply control.ResultReply
	if err := o.call(method, in, &reply); err != nil {
		return err
	}
	return o.result(c, &reply.Result)
}

func startCommand(o *options) *cobra.Command {
	var p control.StartParam
	c := byHand(o, "start", "Start components, with what they need", "Start")
	c.RunE = func(c *cobra.Command, args []string) error {
		p.Names = args
		return o.request(c, "Start", p)
	}
	c.Flags().BoolVar(&p.Debug, "debug", false, "with their debug_arguments, this once")
	c.Flags().BoolVar(&p.Hold, "hold", false, "stopped before the exec, for a debugger; started again they go on")
	return c
}

func adoptCommand(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "adopt NAME PID", Short: "Take a running process under supervision", Args: cobra.ExactArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			pid, err := strconv.Atoi(args[1])
			if err != nil {
				return fmt.Errorf("%q is not a process id", args[1])
			}
			return o.request(c, "Adopt", control.AdoptParam{Name: args[0], PID: pid})
		},
	}
}

func releaseCommand(o *options) *cobra.Command {
	return byHand(o, "release", "Let go of components: their processes live on", "Release")
}

func stopCommand(o *options) *cobra.Command {
	return byHand(o, "stop", "Stop components, their dependents first", "Stop")
}

func restartCommand(o *options) *cobra.Command {
	return byHand(o, "restart", "Restart components, with their dependents", "Restart")
}

func reloadCommand(o *options) *cobra.Command {
	return byHand(o, "reload", "Have components read their configuration again", "Reload")
}

func waitCommand(o *options) *cobra.Command {
	var p control.WaitParam
	var timeout time.Duration
	c := &cobra.Command{
		Use: "wait NAME...", Short: "Wait until components or a target are in a state", Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if err := notNegative("--timeout", timeout); err != nil {
				return err
			}
			p.Names, p.TimeoutMS = args, float64(timeout)/float64(time.Millisecond)
			var reply control.WaitReply
			if err := o.call("Wait", p, &reply); err != nil {
				return err
			}
			if err := o.print(c, reply, func(*writer) {}); err != nil || reply.Met {
				return err
			}
			return tried(fmt.Errorf("wait: not %s within %v: %s", p.State, timeout, strings.Join(reply.Missing, ", ")))
		},
	}
	c.Flags().StringVar(&p.State, "state", "ready", "the state: down, waiting, starting, ready, stopping, backoff or failed")
	c.Flags().DurationVar(&timeout, "timeout", 0, "wait no longer than this")
	return c
}

func confirmCommand(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "confirm", Short: "Keep the configuration that waits to be confirmed", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			var reply control.Empty
			return o.call("Confirm", control.Empty{}, &reply)
		},
	}
}

func applyCommand(o *options) *cobra.Command {
	var confirm time.Duration
	c := &cobra.Command{
		Use: "apply", Short: "Load the configuration again and make the difference true", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if c.Flags().Changed("confirm") && confirm <= 0 {
				return fmt.Errorf("--confirm %v: the time must be longer than nothing", confirm)
			}
			var reply control.ApplyReply
			p := control.ApplyParam{ConfirmMS: float64(confirm) / float64(time.Millisecond)}
			if err := o.call("Apply", p, &reply); err != nil {
				return err
			}
			if !o.json {
				w := newWriter(c)
				for _, ch := range reply.Changes {
					w.line("%s: %s", ch.Name, ch.Change)
				}
				return o.result(c, &reply.Result)
			}
			if err := o.print(c, reply, nil); err != nil || reply.Result.Result == "done" {
				return err
			}
			return errSilent
		},
	}
	c.Flags().DurationVar(&confirm, "confirm", 0, "go back after this time unless `orderly confirm` comes before")
	return c
}

func upgradeCommand(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "upgrade [BINARY]", Short: "Go on with another binary; nothing restarts", Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			p := control.UpgradeParam{Binary: first(args)}
			if p.Binary != "" && p.Binary[0] != '/' {
				dir, err := os.Getwd()
				if err != nil {
					return tried(err)
				}
				p.Binary = dir + "/" + p.Binary
			}
			var reply control.Empty
			return o.call("Upgrade", p, &reply)
		},
	}
}

var endShort = map[string]string{
	"poweroff": "Stop everything in order and power off", "reboot": "Stop everything in order and reboot",
	"halt": "Stop everything in order and halt", "kexec": "Stop everything in order and start the loaded kernel",
}

func endCommand(o *options, how string) *cobra.Command {
	var now bool
	c := &cobra.Command{
		Use: how, Short: endShort[how], Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			var reply control.Empty
			return o.call("End", control.EndParam{How: how, Now: now}, &reply)
		},
	}
	c.Flags().BoolVar(&now, "now", false, "do not wait for components to stop")
	return c
}
