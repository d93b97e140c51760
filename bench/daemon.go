package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/control"
)

// daemon is a running `orderly run`.
type daemon struct {
	cmd             *exec.Cmd
	client          *control.Client
	keeper, manager int
	said            bytes.Buffer
}

// patience is how long a daemon may take to come and to go.
const patience = 30 * time.Second

// start runs the daemon with a configuration and connects.
func (l *lab) start(conf string) (*daemon, error) { return l.startIn(conf, nil) }

// startIn runs it in a cgroup; nil is the one that the bench is in.
func (l *lab) startIn(conf string, g *group) (*daemon, error) {
	file, sock := l.path("bench.toml"), l.path("control.sock")
	if err := os.WriteFile(file, []byte(conf), 0o644); err != nil {
		return nil, err
	}
	if err := l.fifo.drain(); err != nil {
		return nil, err
	}
	d := &daemon{cmd: exec.Command(l.orderly, "run", "--config", file, "--control", sock)}
	d.cmd.Stdout, d.cmd.Stderr = &d.said, &d.said
	d.cmd.SysProcAttr = g.place()
	if err := d.cmd.Start(); err != nil {
		return nil, err
	}
	d.keeper = d.cmd.Process.Pid
	err := d.connect(sock)
	if err == nil {
		d.manager, err = managerOf(d.keeper)
	}
	if err != nil {
		d.cmd.Process.Kill()
		d.cmd.Wait()
		return nil, fmt.Errorf("%w\n%s", err, &d.said)
	}
	return d, nil
}

func (d *daemon) connect(sock string) (err error) {
	for late := time.Now().Add(patience); time.Now().Before(late); time.Sleep(time.Millisecond) {
		if d.client, err = control.Dial(sock); err == nil {
			return nil
		}
	}
	return err
}

// managerOf finds the manager among the children of the keeper, before there are others.
func managerOf(keeper int) (int, error) {
	task := fmt.Sprintf("/proc/%d/task/%d/children", keeper, keeper)
	b, err := os.ReadFile(task)
	if err != nil {
		return 0, err
	}
	for _, f := range strings.Fields(string(b)) {
		line, _ := os.ReadFile("/proc/" + f + "/cmdline")
		if bytes.HasPrefix(line, []byte("orderly-manager\x00")) {
			return strconv.Atoi(f)
		}
	}
	return 0, errors.New("no manager among the keeper's children")
}

// end stops everything and waits.
func (d *daemon) end() error {
	d.client.Close()
	d.cmd.Process.Signal(unix.SIGTERM)
	late := time.AfterFunc(patience, func() { d.cmd.Process.Kill() })
	defer late.Stop()
	if err := d.cmd.Wait(); err != nil {
		return fmt.Errorf("orderly run: %w\n%s", err, &d.said)
	}
	return nil
}

// activate switches the target and waits for it.
func (d *daemon) activate(target string) error {
	var r control.ActivateReply
	if err := d.client.Call("Activate", control.ActivateParam{Target: target}, &r); err != nil {
		return err
	}
	if r.Result == nil || r.Result.Result != "done" {
		return fmt.Errorf("activate %s: %+v", target, r.Result)
	}
	return nil
}

// component is the status of one component.
func (d *daemon) component(name string) (control.Component, error) {
	var r control.StatusReply
	if err := d.client.Call("GetStatus", control.NameParam{Name: name}, &r); err != nil {
		return control.Component{}, err
	}
	if len(r.Status.Components) != 1 {
		return control.Component{}, fmt.Errorf("no status of %s", name)
	}
	return r.Status.Components[0], nil
}

// with runs f on a daemon in which all components of a configuration are up.
func (l *lab) with(conf string, n int, f func(*daemon) error) (err error) {
	d, err := l.start(conf)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.end()) }()
	if err := d.activate("all"); err != nil {
		return err
	}
	if _, _, err := l.fifo.take(n); err != nil {
		return err
	}
	return f(d)
}
