package manager

import (
	"io"
	"math"
	"os"

	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/init/keeper"
	"github.com/orderly-init/orderly/supervisor"
	"github.com/orderly-init/orderly/targets"
)

// entrust has the keeper hold bytes for later managers; what it held under the same use goes.
func (m *Manager) entrust(use keeper.Use, b []byte) error {
	fd, err := sealed(b)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return m.link.Send(keeper.Message{Kind: keeper.Hold, Tags: []keeper.Tag{{Use: use}}, Files: []int{fd}})
}

// nextTag is of a configuration that is being applied.
func nextTag(version uint32) keeper.Tag {
	return keeper.Tag{Use: keeper.Configuration, Run: version}
}

// keepNext has the keeper hold the configuration that is about to be applied, beside the running one: the facts of an apply are stored
// before anything else, and a manager that dies right then leaves facts of the one or of the other. It returns the new one's version.
func (m *Manager) keepNext() uint32 {
	m.keeping = max(m.machine.Version()+1, 1)
	fd, err := sealed(targets.Bundle(m.next.sources))
	if err != nil {
		m.system(targets.Error, "apply: "+err.Error())
		return m.keeping
	}
	defer unix.Close(fd)
	m.hold(keeper.Message{Tags: []keeper.Tag{nextTag(m.keeping)}, Files: []int{fd}})
	return m.keeping
}

// forgetNext has it forgotten: it is the running one now, or was refused.
func (m *Manager) forgetNext() {
	if m.keeping != 0 {
		m.drop(nextTag(m.keeping))
		m.keeping = 0
	}
}

// takeConfiguration takes the configuration that the facts are of, -1 where there is none.
func (m *Manager) takeConfiguration(held heldFiles) int {
	running, version := held.take(keeper.Configuration), supervisor.StoredVersion(m.table)
	for tag, fd := range held {
		if tag.Use != keeper.Configuration {
			continue
		}
		delete(held, tag)
		if tag.Run == version {
			running, fd = fd, running
			m.hold(keeper.Message{Tags: []keeper.Tag{{Use: keeper.Configuration}}, Files: []int{running}})
		}
		unix.Close(fd)
		m.drop(tag)
	}
	return running
}

// entrusted reads what an earlier manager has entrusted to the keeper, and closes the descriptor.
func entrusted(fd int) ([]byte, error) {
	file := os.NewFile(uintptr(fd), "entrusted to the keeper")
	defer file.Close()
	return io.ReadAll(io.NewSectionReader(file, 0, math.MaxInt64)) // the offset is the writer's
}

// sealed is a memfd with bytes for the keeper to hold.
func sealed(b []byte) (int, error) { return keeper.Sealed("orderly-configuration", b) }
