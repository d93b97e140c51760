package manager

import (
	"cmp"
	"context"
	"debug/elf"
	"fmt"
	"os"
	"reflect"
	goruntime "runtime"
	"runtime/debug"

	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/control"
	"github.com/orderly-init/orderly/init/keeper"
	"github.com/orderly-init/orderly/supervisor"
	"github.com/orderly-init/orderly/targets"
)

// applyCall loads the configuration again and makes the difference true.
func (m *Manager) applyCall(ctx context.Context, c control.Call) (any, error) {
	config, sources, problems := m.read() // off the loop: a disk can be slow
	if config == nil {
		return nil, control.Invalid(texts(problems))
	}
	var p control.ApplyParam
	if err := c.Bind(&p); err != nil {
		return nil, err
	}
	if err := m.claimNext(config); err != nil {
		return nil, control.Refused(nil, "%v", err)
	}
	next := swap{config: config, sources: sources, then: m.settled}
	if p.ConfirmMS > 0 {
		if err := m.try(duration(p.ConfirmMS)); err != nil {
			return nil, err
		}
		next.then = m.usesTheDisk
		ctx = m.life // a caller that has gone, by what it applied perhaps, does not end the trial
	}
	r, err := m.result(ctx, func(id supervisor.Request) error {
		next.request = id
		if p.ConfirmMS <= 0 && m.trial.holds() {
			return control.Refused(nil, "a configuration waits to be confirmed; orderly confirm, or wait until the one before is back")
		}
		if p.ConfirmMS > 0 && m.trial.until == 0 {
			return control.Refused(nil, "the time to confirm it was over before it could be applied")
		}
		m.applies = append(m.applies, next)
		return nil
	})
	if p.ConfirmMS > 0 && (err != nil || r.Kind == supervisor.ResultRefused) {
		m.untry()
	}
	if err != nil {
		return nil, err
	}
	if p.ConfirmMS <= 0 {
		if err := m.lasts(); err != nil {
			return nil, err
		}
	}
	debug.FreeOSMemory() // what the reading took, and the configuration before: of many components that is more than all else
	reply := control.ApplyReply{Result: wireResult(r), Changes: []control.Change{}}
	for _, c := range r.Changes {
		reply.Changes = append(reply.Changes, control.Change{Name: c.Name, Change: c.What})
	}
	return reply, nil
}

// applyLater applies a configuration that nobody waits for, unless another one waits to be confirmed.
func (m *Manager) applyLater(s swap) {
	if m.trial.holds() {
		m.system(targets.Warning, "apply: refused: a configuration waits to be confirmed")
		return
	}
	m.applies = append(m.applies, s)
}

func texts(problems targets.Problems) []string {
	var lines []string
	for _, p := range problems {
		lines = append(lines, p.String())
	}
	return lines
}

// applyFromDisk is apply on SIGHUP: who sent it reads the answer in the log.
func (m *Manager) applyFromDisk(id supervisor.Request) {
	m.work.Go(func() {
		config, sources, problems := m.read()
		lines := texts(problems)
		if config != nil {
			if err := m.claimNext(config); err != nil {
				config, lines = nil, append(lines, err.Error())
			}
		}
		m.loop.Post(func() {
			for _, l := range lines {
				m.system(targets.Error, "apply: "+l)
			}
			if config != nil {
				m.system(targets.Info, "apply: the configuration is loaded")
				m.applyLater(swap{request: id, config: config, sources: sources, then: func() {
					m.settled()
					m.work.Go(debug.FreeOSMemory)
				}})
			}
		})
	})
}

// renumber follows the machine to the new configuration: every unit gets its new number, those that are no longer
// in it keep their old definition until they are down.
func (m *Manager) renumber(e supervisor.Renumbered) {
	config := m.next.config
	if err := m.use(config, m.next.sources); err != nil {
		m.system(targets.Error, "apply: "+err.Error())
	}
	m.saved = false
	m.authorise()
	m.prepareControllers()
	m.guard()
	m.aboveReloads()
	defs := m.machine.Components()
	units := make([]*unit, len(defs))
	for old, u := range m.units {
		if n := e.Components[old]; n != supervisor.None {
			changed := !reflect.DeepEqual(u.def.Resources, defs[n].Resources)
			u.number, u.def, units[n] = n, defs[n], u
			if changed {
				m.later(func() { m.relimit(u) })
			}
			continue
		}
		m.forgetConditions(u)
		m.closeNotify(u)
		m.forgetBundle(u)
		delete(m.byName, u.name)
	}
	for n, def := range defs {
		if units[n] == nil {
			units[n] = newUnit(n, def)
			m.byName[def.Name] = units[n]
		}
	}
	m.units = units
	m.renumberQueue(e)
	if then := m.next.then; then != nil {
		m.later(then)
	}
	m.prunePipes()
	m.sink.Configure(config.Log.Directory, config.Log.MaxSize)
}

// renumberQueue lets launches and events that are under way follow too.
func (m *Manager) renumberQueue(e supervisor.Renumbered) {
	for i := range m.queue {
		m.queue[i].Component = e.Components[m.queue[i].Component]
	}
}

// installed is the binary that an upgrade without a path means.
func (m *Manager) installed() string {
	const path = "/sbin/orderly"
	if m.PID1 {
		return path
	}
	return cmp.Or(os.Getenv(keeper.EnvFile), path)
}

// openBinary opens a program, and refuses what cannot be a manager here before anything is given up. What is no regular file is not
// even opened: of a pipe that would wait for a writer, and arm a watchdog.
func openBinary(path string) (*os.File, error) {
	st, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !st.Mode().IsRegular() || st.Mode()&0o111 == 0 {
		return nil, fmt.Errorf("%s: not an executable file", path)
	}
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0) // it may be another one by now
	if err != nil {
		return nil, err
	}
	if err := checkBinary(f); err != nil {
		f.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return f, nil
}

func checkBinary(f *os.File) error {
	e, err := elf.NewFile(f)
	if err != nil {
		return fmt.Errorf("not an executable: %w", err)
	}
	want := map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64, "arm": elf.EM_ARM}[goruntime.GOARCH]
	if e.Machine != want {
		return fmt.Errorf("for %v, not for %v", e.Machine, want)
	}
	return nil
}

// replace hands the binary to the keeper and ends; the next manager is started from it at once.
func (m *Manager) replace(f *os.File) error {
	fd := int(f.Fd())
	if err := m.link.Send(keeper.Message{Kind: keeper.Replace, Files: []int{fd}, Text: f.Name()}); err != nil {
		return err
	}
	m.loop.Stop()
	return nil
}
