package boot

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/orderly-init/orderly/targets"

	"github.com/orderly-init/orderly/internal/durable"
)

// The record of how the machine ended last, one line in the state directory. Most watchdogs, a power supply and a
// panic leave nothing that the next boot could read; that the last word was not written is what they have in common.
//
//	boot ─► "running BOOT" ─┬─ end in order ─► "ended reboot[: WHY]" ─► the next boot says so
//	                        └─ anything else ────────────────────────► "running BOOT", which another boot finds
const endName = "last-end"

const (
	runningWord = "running"
	endedWord   = "ended"
)

// unasked is what a boot says that finds the record of one that never ended.
const unasked = "last end: nobody asked for it: power loss, reset, watchdog or panic"

// bootID tells one boot from another (random(4)).
const bootID = "/proc/sys/kernel/random/boot_id"

// lastEnd says how the machine ended last, and notes that it runs.
func (u *up) lastEnd() {
	var level targets.Level
	var text string
	err := bounded(seedLimit, func() (err error) {
		id, err := os.ReadFile(bootID)
		if err != nil {
			return err
		}
		level, text, err = beginRecord(u.StateDirectory, firstLine(string(id)))
		return err
	})
	if errReadOnly(err) {
		u.Say(targets.Debug, "last end: "+err.Error())
	} else {
		u.fail("last end", err)
	}
	switch {
	case errors.Is(err, errHangs) || text == "": // what hangs may still write both
	case level == targets.Info:
		u.Say(level, text)
	default:
		u.note(level, text)
	}
}

// beginRecord reads the record and begins that of this boot. One that this boot has begun is left as it is: a manager
// may die while it sets the machine up, and the next one does it again.
func beginRecord(stateDirectory, boot string) (level targets.Level, text string, err error) {
	path := filepath.Join(stateOf(stateDirectory), endName)
	b, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return 0, "", err
	}
	old, own := firstLine(string(b)), runningWord+" "+boot
	if old == own {
		return 0, "", nil
	}
	level, text = readEnd(old)
	return level, text, durable.Save(path, []byte(own+"\n"), 0o600)
}

// readEnd says what a record of another boot means; "" is that it tells nothing. An end with a reason is one that no
// person asked for.
func readEnd(record string) (level targets.Level, text string) {
	word, rest, _ := strings.Cut(record, " ")
	switch {
	case word == runningWord:
		return targets.Warning, unasked
	case word != endedWord || rest == "":
		return targets.Info, ""
	case strings.Contains(rest, ": "):
		return targets.Warning, "last end: " + rest
	}
	return targets.Info, "last end: " + rest
}

// SaveEnd writes down, as the last that is written, that the machine ends in order: how, and why where no person asked.
// It does so where Up has begun a record; on a machine that cannot keep one, and in a container, there is none.
func SaveEnd(stateDirectory, how, why string) error {
	path := filepath.Join(stateOf(stateDirectory), endName)
	if !exists(path) {
		return nil
	}
	if why != "" {
		how = fmt.Sprintf("%s: %s", how, why)
	}
	return durable.Save(path, []byte(endedWord+" "+how+"\n"), 0o600)
}
