package manager

import (
	"context"
	"errors"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/init/boot"
	"github.com/orderly-init/orderly/init/keeper"
	"github.com/orderly-init/orderly/runtime"
	"github.com/orderly-init/orderly/supervisor"
	"github.com/orderly-init/orderly/targets"
)

// bringUp sets the machine up, off the loop: a file system check can take minutes, and signals, the console and
// the control socket must answer meanwhile. The first target follows.
func (m *Manager) bringUp() {
	options := boot.Options{
		System: m.config.System, StateDirectory: m.config.StateDirectory, Built: buildTime(), Run: m.runTool, Mount: m.runMount,
		Loaded: func() { m.loop.Post(m.guardAgain) },
		Say:    func(level targets.Level, text string) { m.loop.Post(func() { m.system(level, text) }) },
	}
	m.work.Go(func() {
		notes := boot.Up(m.life, options)
		m.loop.Post(func() {
			m.remark(notes...)
			m.dog.up = true
			m.guardAgain()
			m.link.Send(keeper.Message{Kind: keeper.Booted})
			m.buttons()
			m.mind(func() { m.distrust(m.begin) })
		})
	})
}

// buttons has the power button do what [system] says.
func (m *Manager) buttons() {
	for _, fd := range boot.PowerButtons() {
		m.loop.Add(fd, func() {
			pressed, gone := boot.PowerPressed(fd)
			if end := ends[m.config.System.PowerButton]; pressed && end != supervisor.GoOn {
				m.system(targets.Info, "power button: "+end.String())
				m.shutdown(end)
			}
			if gone {
				m.loop.Remove(fd)
				unix.Close(fd)
			}
		})
	}
}

// toolPrefix is how the cgroup of a tool begins; the dot keeps it apart from every component.
const toolPrefix = "orderly.tool-"

// toolUnit stands for Orderly itself where a program is run that is no component's: fsck, the command of the last
// resort.
func (m *Manager) toolUnit(name string) *unit {
	return newUnit(-1, &targets.Component{
		Name: name, Process: targets.Process{Umask: 0o022, Output: targets.Output{Stdout: "log", Stderr: "log", Stdin: "null"}},
	})
}

// runTool runs a program to its end, in the way that components are run; other goroutines call it.
func (m *Manager) runTool(ctx context.Context, argv []string) (exit int, err error) {
	return m.tool(ctx, baseName(argv[0]), work{argv: argv})
}

// runMount mounts in a process of its own. It may wait where no signal reaches it: a manager with such a thread would never end.
func (m *Manager) runMount(ctx context.Context, mount targets.Mount) error {
	a := mountOf(mount)
	_, err := m.tool(ctx, "mount", work{actions: []runtime.Action{a}})
	if err == nil || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return errors.New(strings.TrimPrefix(err.Error(), "mount "+a.Source+" on "+a.Target+": "))
}

// freeTool is the name of a tool that no process has: one that could not be ended, or whose manager is dead, keeps its own.
func (m *Manager) freeTool(base string) string {
	name := toolPrefix + base
	for n := 2; ; n++ {
		if !m.toolRuns(name) {
			return name
		}
		name = toolPrefix + base + "-" + itoa(n)
	}
}

// toolRuns says whether a process has this name of a tool.
func (m *Manager) toolRuns(name string) bool {
	_, taken := m.table.Find(recordOf(m.toolUnit(name), toolRole))
	return taken
}

// tool does some work in a process of its own, to its end or until it is called off.
func (m *Manager) tool(ctx context.Context, name string, w work) (exit int, err error) {
	ended := make(chan supervisor.Status, 1)
	var u *unit
	if !m.loop.Call(func() {
		u = m.toolUnit(m.freeTool(name))
		u.ended = func(st supervisor.Status, why string) {
			if why != "" {
				err = errors.New(why)
			}
			ended <- st
		}
		err = m.startCommand(u, w, toolRole, 1)
	}) {
		return -1, errEnding
	}
	if err != nil {
		return -1, err
	}
	select {
	case st := <-ended:
		if st.Signal != 0 {
			return -1, errors.New("killed by " + supervisor.SignalName(st.Signal))
		}
		return st.Code, err
	case <-ctx.Done():
		m.loop.Call(func() {
			if u.command != nil {
				m.signal(u.command, int(unix.SIGKILL))
			}
			m.killGroup(u)
		})
		return -1, ctx.Err()
	}
}

// fallbackCommand runs the command of the last resort; the machine then stays as it is.
func (m *Manager) fallbackCommand() {
	argv := m.config.FallbackFailureCommand
	m.work.Go(func() {
		ctx, cancel := context.WithTimeout(m.life, 10*time.Minute)
		defer cancel()
		exit, err := m.runTool(ctx, argv)
		m.loop.Post(func() {
			if err != nil {
				m.system(targets.Error, "fallback_failure_command "+argv[0]+": "+err.Error())
				return
			}
			m.system(targets.Warning, "fallback_failure_command "+argv[0]+": exit "+itoa(exit))
		})
	})
}
