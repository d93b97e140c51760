package main

import (
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/control"
)

// serviceManager is the socket of a service manager above us, which hears the main process alone (systemd.service(5), NotifyAccess).
type serviceManager struct {
	*testing.T
	path string
	conn *net.UnixConn
	main int // process
}

func listenAbove(t *testing.T) *serviceManager {
	t.Helper()
	s := &serviceManager{T: t, path: filepath.Join(t.TempDir(), "notify")}
	var err error
	if s.conn, err = net.ListenUnixgram("unixgram", &net.UnixAddr{Name: s.path, Net: "unixgram"}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.conn.Close() })
	raw, err := s.conn.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	raw.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_PASSCRED, 1) })
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// hears is the next message. Nobody but the main process may have sent it (unix(7), SCM_CREDENTIALS).
func (s *serviceManager) hears(patience time.Duration) (string, error) {
	s.Helper()
	s.conn.SetReadDeadline(time.Now().Add(patience))
	var buf, oob [4096]byte
	n, oobn, _, _, err := s.conn.ReadMsgUnix(buf[:], oob[:])
	if err != nil {
		return "", err
	}
	list, err := unix.ParseSocketControlMessage(oob[:oobn])
	if err != nil || len(list) != 1 {
		s.Fatalf("%q came with %d control messages: %v", buf[:n], len(list), err)
	}
	who, err := unix.ParseUnixCredentials(&list[0])
	if err != nil {
		s.Fatalf("%q: %v", buf[:n], err)
	}
	if int(who.Pid) != s.main {
		s.Errorf("%q is said by process %d, and the main process is %d", buf[:n], who.Pid, s.main)
	}
	return string(buf[:n]), nil
}

// told waits for a message that begins so.
func (s *serviceManager) told(want string) {
	s.Helper()
	for heard := []string(nil); ; {
		text, err := s.hears(10 * time.Second)
		if err != nil {
			s.Fatalf("not told %s: %v; told %s", strconv.Quote(want), err, strconv.Quote(strings.Join(heard, " | ")))
		}
		if strings.HasPrefix(text, want) {
			return
		}
		heard = append(heard, text)
	}
}

// quiet waits until no message has come for a while.
func (s *serviceManager) quiet(while time.Duration) {
	s.Helper()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); {
		if _, err := s.hears(while); err != nil {
			return
		}
	}
	s.Error("messages go on")
}

// TestServiceManagerAbove: what a service manager with a watchdog is told, of a start, an apply, a critical component that is
// gone and comes back, and an end; that the keeper itself says it; and that nothing is left, and it starts again.
func TestServiceManagerAbove(t *testing.T) {
	t.Parallel()
	s := listenAbove(t)
	env := []string{"NOTIFY_SOCKET=" + s.path, "WATCHDOG_USEC=300000"}
	r := superviseIn(t, env, `
[watchdog]
critical = ["a"]
[component.a]
command = ["prog", "pause"]
recovery = { attempts = 0, then = "stop" }
[target.main]
depends_on = ["a"]
`)
	s.main = r.keeper
	s.told("STATUS=target main: transition (requested)")
	s.told("STATUS=target main: settled")
	s.told("READY=1")
	for range 3 {
		s.told("WATCHDOG=1")
	}
	var applied control.ApplyReply
	r.call("Apply", control.Empty{}, &applied)
	s.told("RELOADING=1\nMONOTONIC_USEC=")
	s.told("READY=1")
	s.told("WATCHDOG=1")
	var detail control.ShowReply
	r.call("Show", control.NameParam{Name: "a"}, &detail)
	unix.Kill(detail.Detail.Component.PID, unix.SIGKILL)
	s.told("STATUS=target main: degraded")
	s.quiet(time.Second)
	var started control.ResultReply
	r.call("Start", control.StartParam{Names: []string{"a"}}, &started)
	s.told("WATCHDOG=1")
	r.end()
	s.told("STOPPING=1")
	s.quiet(time.Second) // all that it has said has been heard
	nothingLeft(t, r, detail.Detail.Cgroup)
	r.start(env)
	s.main = r.keeper
	s.told("READY=1")
	s.told("WATCHDOG=1")
}

// nothingLeft checks that there is no group of one that has ended, nor a socket. group is that of a component; "" is without.
func nothingLeft(t *testing.T, r *running, group string) {
	t.Helper()
	if group != "" {
		tree := filepath.Dir(group)
		if list, err := filepath.Glob(tree + "*"); err != nil || len(list) > 0 || !strings.HasPrefix(filepath.Base(tree), "orderly-") {
			t.Errorf("of %s is left %v: %v", tree, list, err)
		}
	}
	if _, err := os.Stat(r.path); err == nil {
		t.Errorf("%s is left", r.path)
	}
}
