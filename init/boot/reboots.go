package boot

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/orderly-init/orderly/internal/durable"
)

// maxReboots bounds the record of reboots.
const maxReboots = 32

// Reboots is the record of the reboots that nobody asked for, the oldest first: how long the machine has been up since each.
// The wall clock may be wrong at every boot, so uptimes are added; that of a boot which ended without a word counts nothing, and
// its reboots stay in the window for longer.
type Reboots []time.Duration

func rebootsPath(stateDirectory string) string {
	return filepath.Join(stateOf(stateDirectory), "reboots")
}

// LoadReboots reads the record. What cannot be read is none: a machine must not stay down for the want of a file.
func LoadReboots(stateDirectory string) Reboots {
	b, err := os.ReadFile(rebootsPath(stateDirectory))
	if err != nil {
		return nil
	}
	return parseReboots(string(b))
}

// parseReboots reads seconds, one number a line. A line that is none is left out.
func parseReboots(text string) Reboots {
	var r Reboots
	for line := range strings.Lines(text) {
		s, err := strconv.ParseUint(strings.TrimSpace(line), 10, 31)
		if err == nil && len(r) < maxReboots {
			r = append(r, time.Duration(s)*time.Second)
		}
	}
	return r
}

// Within counts those of the last window.
func (r Reboots) Within(window time.Duration) int {
	n := 0
	for _, age := range r {
		if age <= window {
			n++
		}
	}
	return n
}

// Another is the record after a further one, when the machine has been up for so long. Those that have left the window are
// forgotten.
func (r Reboots) Another(up, window time.Duration) Reboots {
	next := Reboots{}
	for _, age := range r {
		if age+up <= window {
			next = append(next, age+up)
		}
	}
	next = append(next, 0)
	return next[max(0, len(next)-maxReboots):]
}

// Save writes the record; it is there after a power cut.
func (r Reboots) Save(stateDirectory string) error {
	var b strings.Builder
	for _, age := range r {
		fmt.Fprintf(&b, "%d\n", int64(age/time.Second))
	}
	return durable.Save(rebootsPath(stateDirectory), []byte(b.String()), 0o600)
}

// CountReboot adds one to the record of a machine that has been up for so long.
func CountReboot(stateDirectory string, up, window time.Duration) error {
	return LoadReboots(stateDirectory).Another(up, window).Save(stateDirectory)
}

// GaveUp counts the reboot of a machine whose manager cannot be had, in the usual place: who makes it knows no configuration. A
// disk that hangs does not hold it up.
func GaveUp(up time.Duration) {
	const limit, window = 2 * time.Second, 10 * time.Minute
	bounded(limit, func() error { return CountReboot("", up, window) })
}

// ForgetReboots empties the record.
func ForgetReboots(stateDirectory string) error { return durable.Forget(rebootsPath(stateDirectory)) }
