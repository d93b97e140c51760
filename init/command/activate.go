package command

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/orderly-init/orderly/control"
)

func activateCommand(o *options) *cobra.Command {
	var p control.ActivateParam
	var timeout time.Duration
	c := &cobra.Command{
		Use: "activate TARGET", Short: "Switch the run target", Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			p.Target = args[0]
			if err := notNegative("--timeout", timeout); err != nil {
				return err
			}
			return o.activate(c, p, timeout)
		},
	}
	c.Flags().DurationVar(&timeout, "timeout", 0, "wait no longer than this; the switch goes on")
	c.Flags().BoolVar(&p.NoWait, "no-wait", false, "do not wait for the end of the switch")
	c.Flags().BoolVar(&p.Queue, "queue", false, "wait for the switch in progress to end, then go")
	c.Flags().BoolVar(&p.StopFirst, "stop-first", false, "make all stops before the first start")
	return c
}

func (o *options) activate(c *cobra.Command, p control.ActivateParam, timeout time.Duration) error {
	client, err := control.Dial(o.control)
	if err != nil {
		return tried(err)
	}
	defer client.Close()
	if p.NoWait {
		var reply control.ActivateReply
		return tried(client.Call("Activate", p, &reply))
	}
	late := make(chan struct{})
	if timeout > 0 {
		timer := time.AfterFunc(timeout, func() { close(late); client.Close() })
		defer timer.Stop()
	}
	bar := newProgress(!o.json && isTerminal(os.Stderr))
	defer bar.end()
	var result *control.Result
	err = client.Stream("Activate", p, func(b json.RawMessage, last bool) error {
		var reply control.ActivateReply
		if err := json.Unmarshal(b, &reply); err != nil {
			return err
		}
		bar.show(reply.Progress)
		result = reply.Result
		return nil
	})
	bar.end()
	select {
	case <-late:
		return tried(fmt.Errorf("activate %s: not done within %v; it goes on", p.Target, timeout))
	default:
	}
	var refused *control.Error
	if errors.As(err, &refused) && refused.Name == control.Interface+".Refused" && o.json {
		result, err = &control.Result{Target: p.Target, Result: "refused", Why: refused.Error(), Failed: []control.Failure{}, Degraded: []control.Failure{}}, nil
	}
	if err != nil {
		return tried(err)
	}
	return o.result(c, result)
}

// result prints the answer to a request; anything but done is a failure that says what failed.
func (o *options) result(c *cobra.Command, r *control.Result) error {
	if err := o.print(c, r, func(w *writer) { w.result(r) }); err != nil || r.Result == "done" {
		return err
	}
	if o.json {
		return errSilent
	}
	return tried(errors.New(resultText(r)))
}

func (w *writer) result(r *control.Result) {
	if r.Result == "done" {
		w.line("%sdone in %s", prefix(r.Target), span(r.TookMS))
		for _, f := range r.Degraded {
			w.line("  %s is not ready: %s", f.Name, failureText(f))
		}
	}
}

func prefix(target string) string {
	if target == "" {
		return ""
	}
	return target + ": "
}

func resultText(r *control.Result) string {
	var b strings.Builder
	b.WriteString(prefix(r.Target) + r.Result)
	if r.By != "" {
		b.WriteString(" by " + r.By)
	}
	if r.Why != "" {
		b.WriteString(": " + r.Why)
	}
	for _, f := range append(r.Failed, r.Degraded...) {
		b.WriteString("\n  " + f.Name + ": " + failureText(f))
	}
	return b.String()
}

func failureText(f control.Failure) string {
	if f.Step == "" || strings.HasPrefix(f.Reason, f.Step) {
		return f.Reason
	}
	return f.Step + ": " + f.Reason
}
