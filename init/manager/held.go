package manager

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"

	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/init/keeper"
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

// entrusted reads what an earlier manager has entrusted to the keeper, and closes the descriptor.
func entrusted(fd int) ([]byte, error) {
	file := os.NewFile(uintptr(fd), "entrusted to the keeper")
	defer file.Close()
	return io.ReadAll(io.NewSectionReader(file, 0, math.MaxInt64)) // the offset is the writer's
}

// sealed puts bytes into a memfd that nobody can change any more (fcntl(2), F_ADD_SEALS).
func sealed(b []byte) (int, error) {
	fd, err := keeper.Memfd("orderly-configuration", 0)
	if err != nil {
		return -1, err
	}
	if err := writeAll(fd, b); err != nil {
		unix.Close(fd)
		return -1, fmt.Errorf("write the running configuration: %w", err)
	}
	const seals = unix.F_SEAL_SEAL | unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_WRITE
	_, err = unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, seals)
	return fd, err
}

func writeAll(fd int, b []byte) error {
	for len(b) > 0 {
		n, err := unix.Write(fd, b)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}
