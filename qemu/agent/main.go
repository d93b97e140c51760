// Command agent runs in the guest and does what the tests ask over a virtio port: it starts programs and sends back
// what they print and how they end. Nothing of the machine under test is between.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/orderly-init/orderly/qemu/wire"
)

func main() {
	if err := serve(); err != nil {
		fmt.Fprintf(os.Stderr, "agent: %v\n", err)
		os.Exit(1)
	}
}

func serve() error {
	// programs are looked up in our own PATH, and whoever started us may have given none
	if err := os.Setenv("PATH", "/usr/sbin:/usr/bin:/sbin:/bin"); err != nil {
		return err
	}
	port, err := open(20 * time.Second)
	if err != nil {
		return err
	}
	a := agent{replies: json.NewEncoder(port), running: map[int]*exec.Cmd{}}
	a.reply(wire.Reply{})
	requests := json.NewDecoder(port)
	for {
		var r wire.Request
		if err := requests.Decode(&r); err != nil {
			return fmt.Errorf("read request: %w", err)
		}
		if r.Kill {
			a.kill(r.ID)
			continue
		}
		a.start(r)
	}
}

// open waits for the port. The device may come after us.
func open(limit time.Duration) (*os.File, error) {
	const pause = 5 * time.Millisecond
	for waited := time.Duration(0); waited < limit; waited += pause {
		if path := find(); path != "" {
			return os.OpenFile(path, os.O_RDWR, 0)
		}
		time.Sleep(pause)
	}
	return nil, fmt.Errorf("find port %s: not there after %v", wire.Port, limit)
}

// find finds the port by its name: its number depends on the driver. Where the kernel does not tell the name it is the only one, and
// where the kernel makes no device for it we do.
func find() string {
	names, _ := filepath.Glob("/sys/class/virtio-ports/*/name")
	for _, file := range names {
		name, err := os.ReadFile(file)
		if err != nil || strings.TrimSpace(string(name)) != wire.Port {
			continue
		}
		path := "/dev/" + filepath.Base(filepath.Dir(file))
		if _, err := os.Stat(path); err != nil {
			makeNode(path)
		}
		return path
	}
	if _, err := os.Stat("/sys/class"); err == nil {
		return ""
	}
	if all, _ := filepath.Glob("/dev/vport*p1"); len(all) == 1 {
		return all[0]
	}
	const path = "/dev/port"
	if makeNode(path) {
		return path
	}
	return ""
}

// makeNode makes the device of the first port of the first driver that there is.
func makeNode(path string) bool {
	text, _ := os.ReadFile("/proc/devices")
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		if len(f) != 2 || f[1] != "virtio-portsdev" {
			continue
		}
		if major, err := strconv.Atoi(f[0]); err == nil {
			return syscall.Mknod(path, syscall.S_IFCHR|0o600, major<<8|1) == nil
		}
	}
	return false
}

// agent knows what runs. The mutex is for both fields: programs end and print at any time.
type agent struct {
	mu      sync.Mutex
	replies *json.Encoder
	running map[int]*exec.Cmd
}

func (a *agent) reply(r wire.Reply) {
	a.mu.Lock()
	defer a.mu.Unlock()
	_ = a.replies.Encode(r)
}

func (a *agent) start(r wire.Request) {
	if len(r.Argv) == 0 {
		a.reply(wire.Reply{ID: r.ID, Done: true, Exit: 127, Why: "no program"})
		return
	}
	cmd := exec.Command(r.Argv[0], r.Argv[1:]...)
	cmd.Env = append(os.Environ(), "HOME=/root")
	cmd.Stdin = bytes.NewReader(r.Stdin)
	cmd.Stdout = sender(func(b []byte) { a.reply(wire.Reply{ID: r.ID, Out: b}) })
	cmd.Stderr = sender(func(b []byte) { a.reply(wire.Reply{ID: r.ID, Err: b}) })
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		a.reply(wire.Reply{ID: r.ID, Done: true, Exit: 127, Why: err.Error()})
		return
	}
	a.mu.Lock()
	a.running[r.ID] = cmd
	a.mu.Unlock()
	go a.wait(r.ID, cmd)
}

func (a *agent) wait(id int, cmd *exec.Cmd) {
	err := cmd.Wait()
	a.mu.Lock()
	delete(a.running, id)
	a.mu.Unlock()
	a.reply(wire.Reply{ID: id, Done: true, Exit: exitOf(err)})
}

func exitOf(err error) int {
	if err == nil {
		return 0
	}
	var ended *exec.ExitError
	if !errors.As(err, &ended) {
		return 127
	}
	status := ended.Sys().(syscall.WaitStatus)
	if status.Signaled() {
		return 128 + int(status.Signal())
	}
	return status.ExitStatus()
}

// kill ends a program with all that it started in its process group.
func (a *agent) kill(id int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if cmd := a.running[id]; cmd != nil {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	}
}

type sender func([]byte)

func (s sender) Write(b []byte) (int, error) {
	s(bytes.Clone(b))
	return len(b), nil
}
