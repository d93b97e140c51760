package manager

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/orderly-init/orderly/cgroups"
	"github.com/orderly-init/orderly/init/poll"
	"github.com/orderly-init/orderly/targets"
)

// resourcesStep is the step of a start that limits the group of a component. It is made before the clone, so that the limits are
// there before the first instruction.
const resourcesStep = "resources"

// meter is what the manager knows of the limits of a component's group.
type meter struct {
	set      cgroups.Limits // written into the group
	missing  string         // which limits of the definition are not in force; "" is none
	unarmed  string         // which pressures are not told of
	waits    string         // which limits are put in force later
	turn     *chore         // when that is
	writing  bool           // a goroutine changes them
	again    bool           // and they have changed since
	rest     *chore         // when the group is looked at again: its limits have been reached
	patience int            // looks that are left until a process that dies is told of as one that does not
	forks    pace           // of what is told of refused processes
	triggers []trigger
}

var errNoGroups = errors.New("there are no cgroups of version 2")

// limit puts the limits of a component in force in its group, which is there. What fails is the step's failure, unless that is
// optional.
func (m *Manager) limit(u *unit) error {
	if err := m.limitBundle(u); err != nil {
		return err
	}
	r := &u.def.Resources
	if !r.Written() {
		u.meter.missing, u.meter.waits = "", ""
		return nil
	}
	if m.tree == nil {
		return m.lacks(u, &u.meter.missing, m.groupless)
	}
	limits, err := m.limitsNow(u)
	err = errors.Join(err, m.enable(limits.Controllers()), m.tree.Set(u.name, m.settable(limits.Settings())))
	u.meter.set = limits
	return m.lacks(u, &u.meter.missing, err)
}

// settable are the settings whose controllers are there.
func (m *Manager) settable(all []cgroups.Setting) []cgroups.Setting {
	return slices.DeleteFunc(all, func(s cgroups.Setting) bool { return !m.tree.Passes(s.Controller()) })
}

// lacks takes note of what is not in force. It returns it, where that fails the start.
func (m *Manager) lacks(u *unit, what *string, err error) error {
	*what = ""
	if err == nil {
		return nil
	}
	text := inOneLine(err)
	if !slices.Contains(u.def.OptionalSteps, resourcesStep) {
		return &stepError{resourcesStep, errors.New(text)}
	}
	*what = text
	m.complainOnce(u, optionalResources+text)
	return nil
}

// optionalResources begins what status says of limits that are not in force.
const optionalResources = "optional step " + resourcesStep + ": "

// inOneLine is the text of joined errors.
func inOneLine(err error) string { return strings.ReplaceAll(err.Error(), "\n", "; ") }

// limitsOf are the limits in the kernel's words. A device that is not there leaves its line out, and is the error.
func limitsOf(r *targets.Resources) (cgroups.Limits, error) {
	l := cgroups.Limits{
		MemoryMin: r.MemoryMin, MemoryLow: r.MemoryLow, MemoryHigh: r.MemoryHigh, MemoryMax: r.MemoryMax, SwapMax: r.SwapMax,
		OOMGroup: r.OOMGroup, CPUWeight: r.CPUWeight, CPUs: r.CPUSet, Mems: r.MemorySet, PidsMax: r.PidsMax, IOWeight: r.IOWeight,
	}
	if r.CPUMax != nil {
		l.CPUMax = &cgroups.CPUMax{Quota: r.Quota(), Period: r.Period()}
	}
	var failed error
	for _, d := range r.IOMax {
		device, err := cgroups.Device(d.Path)
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("io_max: %w", err))
			continue
		}
		l.IOMax = append(l.IOMax, cgroups.IOMax{
			Device: device, ReadBytes: uint64(d.ReadBytes), WriteBytes: uint64(d.WriteBytes), Reads: uint64(d.Reads), Writes: uint64(d.Writes),
		})
	}
	return l, failed
}

// beginLimits does what comes with the limits of a new run: what has happened to its group before is not the run's, and from now on
// it is watched.
func (m *Manager) beginLimits(u *unit) error {
	m.endLimits(u)
	if m.tree == nil || !u.limited() {
		return nil
	}
	if now := m.tree.Kills(u.name); now != m.tree.Told(u.name) {
		m.tree.Tell(u.name, now)
	}
	return m.watchLimits(u)
}

// watchLimits begins to watch the limits of a run, and its pressure.
func (m *Manager) watchLimits(u *unit) error {
	if err := m.watch.AddLimits(u.name); err != nil {
		m.complain(u, err.Error())
	}
	return m.lacks(u, &u.meter.unarmed, m.arm(u))
}

// endLimits ends what is watched of the limits of a run.
func (m *Manager) endLimits(u *unit) {
	u.meter.rest.callOff()
	u.meter.rest, u.meter.patience, u.meter.forks, u.meter.unarmed = nil, 0, pace{}, ""
	m.disarm(u)
	if m.watch != nil {
		m.watch.RemoveLimits(u.name)
	}
}

// resumeLimits takes up the limits of a run that goes on under a new manager. They are written once more: the dead one may have been
// about to.
func (m *Manager) resumeLimits(u *unit) {
	if m.tree == nil || !u.limited() {
		return
	}
	if err := errors.Join(m.limit(u), m.watchLimits(u)); err != nil {
		m.amiss(u, err)
	}
	m.limitsReached([]string{u.name})
}

// amiss notes limits that are not in force in a run that goes on all the same.
func (m *Manager) amiss(u *unit, err error) {
	u.meter.missing = strings.ReplaceAll(rootStep(err), "\n", "; ")
	m.complain(u, resourcesStep+": "+u.meter.missing)
}

// rootStep is the text of an error without the name of the step.
func rootStep(err error) string {
	var s *stepError
	if errors.As(err, &s) {
		return s.err.Error()
	}
	return err.Error()
}

// missingLimits is what status says of limits that are not in force; nothing where none are missing.
func (u *unit) missingLimits() []string {
	var list []string
	step := resourcesStep + ": " // of a run that goes on with limits that were changed
	if slices.Contains(u.def.OptionalSteps, resourcesStep) {
		step = optionalResources
	}
	for _, text := range []string{u.meter.missing, u.meter.unarmed, u.meter.waits} {
		if text != "" && (u.main != nil || u.group != groupGone) {
			list = append(list, step+text)
		}
	}
	return list
}

// fragile says whether the child must not share our memory until it executes: the killer for want of memory that ends a whole group
// would end us with it, unless nothing may.
func (m *Manager) fragile(u *unit) bool {
	if !u.def.Resources.OOMGroup {
		return false
	}
	score, _ := os.ReadFile("/proc/self/oom_score_adj")
	return strings.TrimSpace(string(score)) != "-1000"
}

// pace tells rarely what happens often.
type pace struct{ next int64 }

// due says whether it is time to tell again, at most once a minute.
func (p *pace) due() bool {
	now := int64(poll.Now())
	if p.next > now {
		return false
	}
	p.next = now + int64(60e9)
	return true
}
