package keeper

import (
	"os/signal"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Catch is the first thing that the program does: from then on a signal waits until there is somebody to tell of it.
func TestCatch(t *testing.T) {
	signals := Catch()
	defer signal.Reset()
	for _, sig := range []unix.Signal{unix.SIGTERM, unix.SIGQUIT, unix.SIGPWR} {
		if err := unix.Kill(unix.Getpid(), sig); err != nil {
			t.Fatal(err)
		}
		for got := unix.Signal(0); got != sig; {
			select {
			case s := <-signals:
				got, _ = s.(unix.Signal) // another one may be of a child of a test
			case <-time.After(time.Minute):
				t.Fatalf("%v did not come", sig)
			}
		}
	}
}
