package manager

import (
	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/runtime"
	"github.com/orderly-init/orderly/supervisor"
)

// What a start needs that takes time to make is made off the loop, by the kind of the component: roots and bundles
// are read from disks, networks are made. The launch leaves the queue meanwhile, and comes back with the result.
//
//	queue ──launch──► furnish ──goroutine: Kind.Make──► furnished ──► queue ──► prepare, clone
//	                     └─ a stop meanwhile: the run is lost, what was made is given back

// furnishing is what one launch waits for.
type furnishing struct {
	unit *unit
	run  uint32
	kind runtime.Kind
	spec runtime.Spec
	open []int // descriptors for the time of the start
	err  error
	done bool
	off  bool // nobody wants it any more
}

// furnish begins to make what a launch needs. It reports false where nothing has to be made, or all has been.
func (m *Manager) furnish(l supervisor.Launch) bool {
	u := m.units[l.Component]
	if u.furnishing != nil || !furnished(u.def) {
		return false
	}
	u.run = l.Run
	f := &furnishing{unit: u, run: l.Run}
	u.furnishing = f
	if f.kind, f.err = m.kindFor(f, l); f.err != nil {
		f.done = true
		return false
	}
	kind := m.onNetwork(f, f.kind)
	m.work.Go(func() {
		f.open, f.err = appended(f.open, kind, &f.spec)
		m.loop.Post(func() { m.furnishedNow(f, l) })
	})
	return true
}

// appended makes, and keeps what was open already with what is now.
func appended(open []int, kind runtime.Kind, s *runtime.Spec) ([]int, error) {
	more, err := kind.Make(s)
	return append(open, more...), err
}

// kindFor makes the Spec, and the kind that completes it.
func (m *Manager) kindFor(f *furnishing, l supervisor.Launch) (kind runtime.Kind, err error) {
	if f.spec, err = m.spec(f.unit, mainWork(f.unit, l), l.Run); err != nil {
		return nil, err
	}
	return m.kindOf(f)
}

// furnishedNow takes what was made.
func (m *Manager) furnishedNow(f *furnishing, l supervisor.Launch) {
	f.done = true
	if f.off {
		closeAll(f.open)
		return
	}
	l.Component = f.unit.number // the configuration may have changed
	m.queue = append(m.queue, l)
}

// unfurnish gives back what was made for a launch that will not be; it reports whether it is still being made.
func (u *unit) unfurnish(run uint32) (making bool) {
	f := u.furnishing
	if f == nil || f.run != run {
		return false
	}
	u.furnishing, f.off = nil, true
	if f.done {
		closeAll(f.open)
	}
	return !f.done
}

// take is what a launch has been furnished with.
func (m *Manager) takeFurnished(f *furnishing) (runtime.Spec, []int, error) {
	f.unit.furnishing = nil
	m.takeBundle(f)
	if f.err != nil {
		closeAll(f.open)
		return runtime.Spec{}, nil, f.err
	}
	return f.spec, f.open, nil
}

// pidfdOf opens a pidfd of the main process of a component; -1 where there is none.
func pidfdOf(u *unit) int {
	pid := u.mainPID()
	if pid == 0 {
		return -1
	}
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return -1
	}
	return fd
}
