package watchdog

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// fake is a driver that writes down what it is asked.
type fake struct {
	trace   []string
	refuses []string // calls that fail
	seconds int      // the time-out that it has
	least   int      // a shorter one becomes this
}

func (f *fake) note(format string, args ...any) error {
	line := fmt.Sprintf(format, args...)
	f.trace = append(f.trace, line)
	verb, _, _ := strings.Cut(line, " ")
	for _, r := range f.refuses {
		if verb == r {
			return map[string]error{"open": unix.EBUSY, "feed": unix.ENOTTY}[verb]
		}
	}
	return nil
}

func (f *fake) calls() calls {
	return calls{
		open: func(path string) (int, error) { return 9, f.note("open %s", path) },
		info: func(int) (*unix.WatchdogInfo, error) {
			info := &unix.WatchdogInfo{}
			copy(info.Identity[:], "Fake")
			return info, nil
		},
		bootStatus: func(int) (int, error) { return unix.WDIOF_CARDRESET, nil },
		timeout:    func(int) (int, error) { return f.seconds, nil },
		setTimeout: func(_, seconds int) (int, error) { return max(seconds, f.least), f.note("timeout %d", seconds) },
		feed:       func(int) error { return f.note("feed") },
		write:      func(_ int, b []byte) (int, error) { return len(b), f.note("write %q", b) },
		close:      func(int) error { return f.note("close") },
	}
}

func TestDevice(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name string
		fake fake
		want []string
		took time.Duration
	}{
		{"opened, set, fed, disarmed", fake{seconds: 60}, []string{
			"open /dev/none", "feed", "timeout 10", "feed", `write "V"`, "close",
		}, 10 * time.Second},
		{"the driver takes another time-out", fake{seconds: 60, least: 16}, []string{
			"open /dev/none", "feed", "timeout 10", "feed", `write "V"`, "close",
		}, 16 * time.Second},
		{"a driver that is fed by a write", fake{seconds: 60, refuses: []string{"feed"}}, []string{
			"open /dev/none", "feed", `write "\x00"`, "timeout 10", "feed", `write "\x00"`, `write "V"`, "close",
		}, 10 * time.Second},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			d, err := open("/dev/none", row.fake.calls())
			if err != nil {
				t.Fatal(err)
			}
			if d.Identity != "Fake" || !d.Reset || d.Timeout != time.Minute || d.NoWayOut {
				t.Errorf("%+v", d)
			}
			if err := errors.Join(d.SetTimeout(10*time.Second), d.Feed(), d.Disarm()); err != nil {
				t.Error(err)
			}
			if d.Timeout != row.took {
				t.Errorf("time-out %v, want %v", d.Timeout, row.took)
			}
			if diff := cmp.Diff(row.want, row.fake.trace); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestBusy(t *testing.T) {
	t.Parallel()
	f := fake{refuses: []string{"open"}}
	if _, err := open("/dev/none", f.calls()); !errors.Is(err, unix.EBUSY) || err.Error() != "open /dev/none: device or resource busy" {
		t.Error(err)
	}
}

func FuzzNumber(f *testing.F) {
	f.Add("0x20\n")
	f.Add("60\n")
	f.Add("-1")
	f.Fuzz(func(t *testing.T, text string) {
		if parseNumber(text) < 0 {
			t.Error("negative")
		}
	})
}
