package conformance

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/conformance/launch"
	"github.com/orderly-init/orderly/conformance/oracle"
)

// another is a supervisor beside the scenario's own, in a folder of its directory.
type another struct {
	w      *world
	dir    string
	socket string
	*exec.Cmd
}

// another starts one; its configuration is in the folder's conf. before is what it is started by.
func (w *world) another(folder string, before ...string) *another {
	w.Helper()
	a := &another{w: w, dir: w.path(folder), socket: filepath.Join(w.path(folder), "control.sock")}
	console, err := os.OpenFile(filepath.Join(a.dir, "console"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	w.must(err)
	defer console.Close()
	args := append(before, filepath.Join(programs, "orderly"), "run", "--config", filepath.Join(a.dir, "conf"), "--control", a.socket)
	a.Cmd = exec.Command(args[0], args[1:]...)
	a.Env = []string{"PATH=" + programs + ":/usr/bin:/bin:/usr/sbin:/sbin"}
	a.Stdout, a.Stderr = console, console
	w.must(a.Start())
	return a
}

// orderly runs a command for it.
func (a *another) orderly(args ...string) (string, int) {
	c := exec.Command(filepath.Join(programs, "orderly"), args...)
	c.Env = []string{"ORDERLY_CONTROL=" + a.socket, "PATH=/usr/bin:/bin", "NO_COLOR=1"}
	out, _ := c.CombinedOutput()
	return string(out), c.ProcessState.ExitCode()
}

// up waits until it is there with a target.
func (a *another) up(target string) {
	a.w.Helper()
	out := ""
	if !launch.Soon(func() bool {
		text, code := a.orderly("wait", target, "--timeout", "10s")
		out = text
		return code == 0
	}) {
		a.w.Fatalf("another one is not there: %s; console:\n%s", out, a.w.read(filepath.Base(a.dir)+"/console"))
	}
}

// end ends it with a signal and returns its exit status.
func (a *another) end(sig unix.Signal) int {
	unix.Kill(a.Process.Pid, sig)
	return exitOf(a.w, a.Cmd)
}

// kill kills it and its manager at once, so that nobody cleans up.
func (a *another) kill() {
	keeper := a.Process.Pid
	var managers []int
	for _, pid := range oracle.Children("/proc", keeper) {
		line, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		if strings.HasPrefix(string(line), "orderly-manager\x00") {
			managers = append(managers, pid)
			unix.Kill(pid, unix.SIGSTOP)
		}
	}
	a.Process.Kill()
	a.Wait()
	for _, pid := range managers {
		unix.Kill(pid, unix.SIGKILL)
		a.w.await("the end of the manager", func() bool { _, there := oracle.Look("/proc", pid); return !there })
	}
}
