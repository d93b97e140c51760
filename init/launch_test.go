package main

import (
	"path/filepath"
	"syscall"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/conformance/launch"
	"github.com/orderly-init/orderly/control"
)

// inside is a command for scripts, that runs another one where the daemon runs.
const inside = `#!/bin/sh
# inside COMMAND...: runs it in the namespaces of a script's daemon where that is PID 1, and else just so
test "$PLACE" = pid1 || exec "$@"
exec nsenter -t "$KEEPER" -m -p env KEEPER=1 sh -c 'cd "$0" && exec "$@"' "$PWD" "$@"
`

// launched is a daemon of a script.
type launched struct {
	*launch.Daemon
	ts     *testscript.TestScript
	dir    string // conf and console are in it
	socket string
}

// begin starts `orderly run` on the conf directory of another one. OWN_NETWORK gives it an empty network, which is gone with it, and MOUNTS
// is a command that it changes its mounts by, in a namespace of its own.
func begin(ts *testscript.TestScript, dir, socket string, args []string) (*launched, error) {
	args = append([]string{binary, "run", "--config", filepath.Join(dir, "conf"), "--control", socket}, args...)
	place := launch.Place(ts.Getenv("PLACE"))
	if change := ts.Getenv("MOUNTS"); change != "" {
		args = append([]string{"sh", "-ec", change + `; exec "$0" "$@"`}, args...)
		if place == launch.Foreground {
			args = append([]string{"unshare", "--mount"}, args...)
		}
	}
	c := place.Command(args...)
	c.Dir, c.Env = ts.Getenv("WORK"), []string{"PATH=" + ts.Getenv("PATH"), "WORK=" + ts.Getenv("WORK")}
	if ts.Getenv("OWN_NETWORK") != "" {
		c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNET}
	}
	d, err := launch.Start(place, c, filepath.Join(dir, "console"))
	return &launched{Daemon: d, ts: ts, dir: dir, socket: socket}, err
}

// found says whether its keeper is there.
func (l *launched) found() bool { return l.Found(binary) }

// listens says whether it answers on its control socket.
func (l *launched) listens() bool {
	c, err := control.Dial(l.socket)
	if err == nil {
		c.Close()
	}
	return err == nil
}
