package command

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/control"
)

// writer prints for a person: colour on a terminal, plain lines elsewhere.
type writer struct {
	io.Writer
	color bool
}

func newWriter(c *cobra.Command) *writer {
	return &writer{Writer: c.OutOrStdout(), color: isTerminal(os.Stdout) && os.Getenv("NO_COLOR") == ""}
}

func isTerminal(f *os.File) bool {
	_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	return err == nil
}

func (w *writer) line(format string, args ...any) { fmt.Fprintf(w, format+"\n", args...) }

// The colours of states. Every escape has the same length, so that columns stay aligned.
const (
	plain  = "\x1b[00m"
	red    = "\x1b[31m"
	green  = "\x1b[32m"
	yellow = "\x1b[33m"
	grey   = "\x1b[90m"
)

func (w *writer) state(s string) string {
	if !w.color {
		return s
	}
	return map[string]string{
		"ready": green, "settled": green, "failed": red, "fallback": red, "degraded": yellow, "backoff": yellow,
		"starting": yellow, "stopping": yellow, "waiting": yellow, "transition": yellow, "shutdown": yellow, "down": grey,
	}[s] + s + plain
}

// table prints aligned columns.
func (w *writer) table(head []string, rows [][]string) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for i := range head { // a column with escapes is as wide as they are: its head must be too
		if len(rows) > 0 && strings.HasPrefix(rows[0][i], "\x1b") {
			head[i] = plain + head[i] + plain
		}
	}
	fmt.Fprintln(t, strings.Join(head, "\t"))
	for _, r := range rows {
		fmt.Fprintln(t, strings.Join(r, "\t"))
	}
	t.Flush()
}

// print prints v as JSON, or for a person.
func (o *options) print(c *cobra.Command, v any, human func(*writer)) error {
	if !o.json {
		human(newWriter(c))
		return nil
	}
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return tried(err)
	}
	fmt.Fprintln(c.OutOrStdout(), string(b))
	return nil
}

// printLine prints v as one line of JSON, or for a person: for streams.
func (o *options) printLine(c *cobra.Command, v any, human func(*writer)) error {
	if !o.json {
		human(newWriter(c))
		return unwritten(c)
	}
	b, err := json.Marshal(v)
	if err != nil {
		return tried(err)
	}
	fmt.Fprintln(c.OutOrStdout(), string(b))
	return unwritten(c)
}

// notNegative refuses a time-out that would be none.
func notNegative(flag string, d time.Duration) error {
	if d < 0 {
		return fmt.Errorf("%s %v is less than 0; 0 is no limit", flag, d)
	}
	return nil
}

// call makes one call on the control socket.
func (o *options) call(method string, in, out any) error {
	c, err := control.Dial(o.control)
	if err != nil {
		return tried(err)
	}
	defer c.Close()
	return tried(c.Call(method, in, out))
}

// stream makes one call with several replies.
func (o *options) stream(method string, in any, each func(b json.RawMessage, last bool) error) error {
	c, err := control.Dial(o.control)
	if err != nil {
		return tried(err)
	}
	defer c.Close()
	return tried(c.Stream(method, in, each))
}

// span is a duration in milliseconds for a person.
func span(ms float64) string {
	d := time.Duration(ms * float64(time.Millisecond))
	switch {
	case d < 10*time.Millisecond:
		return d.Round(10 * time.Microsecond).String()
	case d < 10*time.Second:
		return d.Round(time.Millisecond).String()
	case d < time.Minute:
		return d.Round(100 * time.Millisecond).String()
	}
	return d.Round(time.Second).String()
}

// sinceBoot is a point in time for a person.
func sinceBoot(ms float64) string {
	if ms == 0 {
		return "-"
	}
	return fmt.Sprintf("%.3f", ms/1000)
}

func now() float64 {
	var ts unix.Timespec
	unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts)
	return float64(ts.Nano()) / 1e6
}

func size(n int64) string {
	switch {
	case n <= 0:
		return "-"
	case n < 1<<20:
		return fmt.Sprintf("%d KiB", n>>10)
	case n < 1<<30:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	}
	return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30))
}
