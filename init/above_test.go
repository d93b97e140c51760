package main

import (
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/control"
)

// TestServiceManagerAbove: what a service manager with a watchdog is told, of a start, an apply, a critical component that is
// gone and comes back, and an end; and that the keeper itself says it.
func TestServiceManagerAbove(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	r := superviseIn(t, []string{"NOTIFY_SOCKET=" + path, "WATCHDOG_USEC=300000"}, `
[watchdog]
critical = ["a"]
[component.a]
command = ["prog", "pause"]
recovery = { attempts = 0, then = "stop" }
[target.main]
depends_on = ["a"]
`)
	told(t, conn, "STATUS=target main: transition (requested)")
	told(t, conn, "STATUS=target main: settled")
	told(t, conn, "READY=1")
	for range 3 {
		told(t, conn, "WATCHDOG=1")
	}
	var applied control.ApplyReply
	r.call("Apply", control.Empty{}, &applied)
	told(t, conn, "RELOADING=1\nMONOTONIC_USEC=")
	told(t, conn, "READY=1")
	told(t, conn, "WATCHDOG=1")
	var reply control.StatusReply
	r.call("GetStatus", control.NameParam{Name: "a"}, &reply)
	unix.Kill(reply.Status.Components[0].PID, unix.SIGKILL)
	told(t, conn, "STATUS=target main: degraded")
	quiet(t, conn, time.Second)
	var started control.ResultReply
	r.call("Start", control.StartParam{Names: []string{"a"}}, &started)
	told(t, conn, "WATCHDOG=1")
	unix.Kill(r.keeper, unix.SIGTERM)
	told(t, conn, "STOPPING=1")
}

// told waits for a message that begins so.
func told(t *testing.T, conn *net.UnixConn, want string) {
	t.Helper()
	conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	var heard []string
	for buf := make([]byte, 4096); ; {
		n, err := conn.Read(buf)
		if err != nil {
			t.Fatalf("not told %s: %v; told %s", strconv.Quote(want), err, strconv.Quote(strings.Join(heard, " | ")))
		}
		if strings.HasPrefix(string(buf[:n]), want) {
			return
		}
		heard = append(heard, string(buf[:n]))
	}
}

// quiet waits until no sign of life has come for a while.
func quiet(t *testing.T, conn *net.UnixConn, while time.Duration) {
	t.Helper()
	end := time.Now().Add(10 * time.Second)
	for buf := make([]byte, 4096); time.Now().Before(end); {
		conn.SetReadDeadline(time.Now().Add(while))
		if _, err := conn.Read(buf); err != nil {
			return
		}
	}
	t.Error("signs of life go on")
}
