package guest

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"regexp"
	"syscall"
	"time"
)

// Guest is a running machine.
type Guest struct {
	dir      string // sockets
	cmd      *exec.Cmd
	slot     *os.File
	keyboard *os.File
	console  *console
	agent    *line
	ports    map[int]int
	patience time.Duration // for what takes no time on a quiet host
	ended    chan struct{} // closed when QEMU has ended
	errs     *os.File      // what QEMU itself complains of
}

// Start starts a machine; echo, if it is not nil, gets a copy of the console.
func Start(o Options, echo io.Writer) (g *Guest, err error) {
	g = &Guest{console: newConsole(echo), patience: time.Minute, ended: make(chan struct{})}
	defer func() {
		if err != nil {
			g.Kill()
		}
	}()
	if g.dir, err = os.MkdirTemp("", "guest"); err != nil {
		return nil, err
	}
	if g.slot, err = takeSlot(30 * time.Minute); err != nil {
		return nil, err
	}
	if g.ports, err = freePorts(o.Forward); err != nil {
		return nil, err
	}
	if err := g.launch(o); err != nil {
		return nil, err
	}
	return g, nil
}

// launch starts QEMU with its console on pipes, and the readers.
func (g *Guest) launch(o Options) error {
	in, keyboard, err := os.Pipe()
	if err != nil {
		return err
	}
	defer in.Close()
	g.keyboard = keyboard
	screen, out, err := os.Pipe()
	if err != nil {
		return err
	}
	defer out.Close()
	if g.errs, err = os.CreateTemp(g.dir, "errors"); err != nil {
		return err
	}
	g.cmd = exec.Command(o.program(), append(o.arguments(g.dir, g.ports), "-serial", "stdio")...)
	g.cmd.Stdin, g.cmd.Stdout, g.cmd.Stderr = in, out, g.errs
	// the kernel ends QEMU when we die without having ended it (PR_SET_PDEATHSIG(2const))
	g.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	if err := g.cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", o.program(), err)
	}
	go func() {
		g.console.read(screen)
		screen.Close()
	}()
	go func() {
		_ = g.cmd.Wait()
		close(g.ended)
	}()
	return g.connect()
}

// connect opens the agent's port before the guest looks at it.
func (g *Guest) connect() error {
	conn, err := g.dial(g.dir + "/agent")
	if err != nil {
		return fmt.Errorf("start the machine: %w\n%s", err, g.complaints())
	}
	g.agent = newLine(conn)
	go g.agent.read()
	return nil
}

// dial connects to a socket that QEMU is about to make.
func (g *Guest) dial(path string) (net.Conn, error) {
	const pause = 5 * time.Millisecond
	for waited := time.Duration(0); ; waited += pause {
		conn, err := net.Dial("unix", path)
		if err == nil || waited >= g.patience {
			return conn, err
		}
		select {
		case <-g.ended:
			return nil, errors.New("QEMU has ended")
		case <-time.After(pause):
		}
	}
}

func (g *Guest) complaints() string {
	text, _ := os.ReadFile(g.errs.Name())
	return string(text)
}

// Expect waits for a match on the console after the last one, and returns it with its groups.
func (g *Guest) Expect(limit time.Duration, pattern string) ([]string, error) {
	return g.console.expect(regexp.MustCompile(pattern), limit)
}

// Send types on the console.
func (g *Guest) Send(text string) error {
	_, err := io.WriteString(g.keyboard, text)
	return err
}

// Console is everything that came over the console so far.
func (g *Guest) Console() string { return g.console.all() }

// Address is where the host reaches a forwarded port of the guest.
func (g *Guest) Address(port int) string { return fmt.Sprintf("127.0.0.1:%d", g.ports[port]) }

// Wait waits until the machine is off.
func (g *Guest) Wait(limit time.Duration) error {
	select {
	case <-g.ended:
		return nil
	case <-time.After(limit):
		return fmt.Errorf("wait for power off: still on after %v", limit)
	}
}

// Kill ends the machine, if it still runs, and gives everything back.
func (g *Guest) Kill() {
	if g.cmd != nil && g.cmd.Process != nil {
		_ = g.cmd.Process.Kill()
		<-g.ended
	}
	g.release()
}

func (g *Guest) release() {
	if g.agent != nil {
		g.agent.conn.Close()
	}
	for _, f := range []*os.File{g.keyboard, g.errs, g.slot} {
		if f != nil {
			f.Close()
		}
	}
	if g.dir != "" {
		_ = os.RemoveAll(g.dir)
	}
}

// freePorts finds a free port of the host for each port of the guest.
func freePorts(ports []int) (map[int]int, error) {
	free := map[int]int{}
	for _, p := range ports {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, errors.Join(errors.New("find a free port"), err)
		}
		defer l.Close()
		free[p] = l.Addr().(*net.TCPAddr).Port
	}
	return free, nil
}
