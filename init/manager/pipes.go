package manager

import (
	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/init/keeper"
	"github.com/orderly-init/orderly/supervisor"
	"github.com/orderly-init/orderly/targets"
)

// A pipe between components is made at the first start of either end. Both ends are held as long as the configuration
// names it: whoever restarts, or manages, finds what was written and not yet read, no reader sees an end of file
// and no writer a SIGPIPE in between.
//
//	component ── stdout ─►┐                  ┌─► stdin ── component
//	component ── stderr ─►┴ pipe:NAME, 64 KiB ┘

// pipeEnds are the descriptors of one pipe.
type pipeEnds struct{ r, w int }

// pipeEnd is one end of a pipe, for a child: at a low number, and closed when the child has it.
func (m *Manager) pipeEnd(name string, write bool) (int, error) {
	hash := supervisor.NameHash(name)
	e, ok := m.pipes[hash]
	if !ok {
		var err error
		if e, err = m.makePipe(hash); err != nil {
			return -1, err
		}
	}
	fd := e.r
	if write {
		fd = e.w
	}
	low, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return -1, &stepError{"pipe " + name, err}
	}
	return low, nil
}

// makePipe makes a pipe that the keeper holds before anybody writes to it.
func (m *Manager) makePipe(hash uint64) (pipeEnds, error) {
	r, low, err := pipe()
	if err != nil {
		return pipeEnds{}, &stepError{"pipe", err}
	}
	w, err := unix.FcntlInt(uintptr(low), unix.F_DUPFD_CLOEXEC, highFD)
	if err != nil {
		w = low // the limit of open files is lower: then where it is
	} else {
		unix.Close(low)
	}
	m.hold(keeper.Message{Tags: pipeTags(hash), Files: []int{r, w}})
	m.pipes[hash] = pipeEnds{r, w}
	return m.pipes[hash], nil
}

func pipeTags(hash uint64) []keeper.Tag {
	return []keeper.Tag{{Use: keeper.PipeReader, Name: hash}, {Use: keeper.PipeWriter, Name: hash}}
}

// takePipes takes over the pipes that the keeper holds.
func (m *Manager) takePipes(held heldFiles) {
	for tag, r := range held {
		if tag.Use != keeper.PipeReader {
			continue
		}
		tags := pipeTags(tag.Name)
		w, whole := held[tags[1]]
		if !whole {
			continue
		}
		m.pipes[tag.Name] = pipeEnds{r, w}
		delete(held, tags[0])
		delete(held, tags[1])
	}
	m.prunePipes()
}

// prunePipes closes the pipes that no component has any more.
func (m *Manager) prunePipes() {
	named := map[uint64]bool{}
	for _, c := range m.machine.Components() {
		for _, setting := range []string{c.Output.Stdin, c.Output.Stdout, c.Output.Stderr} {
			if name, ok := targets.PipeName(setting); ok {
				named[supervisor.NameHash(name)] = true
			}
		}
	}
	for hash, e := range m.pipes {
		if !named[hash] {
			closeAll([]int{e.r, e.w})
			m.drop(pipeTags(hash)...)
			delete(m.pipes, hash)
		}
	}
}
