package manager

import (
	"errors"
	"fmt"
	"hash/fnv"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/init/keeper"
	"github.com/orderly-init/orderly/targets"
)

// What is one Orderly's alone has a lock: a file with the keeper's pid in it, on which keeper and manager have a flock(2), until
// both have ended. That is the path of the control socket, and where Orderly is not PID 1 each state directory that a
// configuration has named since it began.
//
// PID 1 locks no state directory. It is there before any other, and an open file would keep the file system, which may come late
// or be read-only, from being unmounted.

// mostEnding is how long one whose keeper was killed may need to clean up behind itself.
const mostEnding = 2 * time.Second

// takenError says that another Orderly has a lock. keeper is 0 where the lock does not say who that is.
type takenError struct {
	what   string
	keeper int
}

func (e *takenError) Error() string {
	text := e.what + ": another Orderly uses it"
	if e.keeper > 0 {
		text += " (process " + itoa(e.keeper) + ")"
	}
	return text
}

// claims are the locks on state directories, by the hash of which that is.
type claims struct {
	mu  sync.Mutex // they are made off the loop, since a disk can be slow
	fds map[uint64]int
}

// lock makes ours what is to be, before anything is touched that belongs to it. A later manager has it from the one before: it does
// not ask a disk that may be gone by now.
func (m *Manager) lock() error {
	if m.Again > 0 {
		return nil
	}
	if err := m.mayBind(); err != nil {
		return err
	}
	if err := m.takeLock(mostEnding); err != nil {
		return err
	}
	err := m.claim(m.config, mostEnding)
	if errors.As(err, new(*takenError)) {
		return err
	}
	m.noteClaim(err)
	return nil
}

// mayBind refuses a path at which there is something else than a socket: a slip of who types must not cost a file. The path of
// PID 1 nobody types.
func (m *Manager) mayBind() error {
	var st unix.Stat_t
	if m.PID1 || unix.Stat(m.Control, &st) != nil || st.Mode&unix.S_IFMT == unix.S_IFSOCK {
		return nil
	}
	return fmt.Errorf("control socket %s: there is something else than a socket; nothing is changed", m.Control)
}

// notLocked begins what status says of a state directory without a lock.
const notLocked = "state directory is not locked: "

// noteClaim has status say why there is no lock, or nothing of it.
func (m *Manager) noteClaim(err error) {
	for _, l := range slices.Clone(m.lasting) {
		if strings.HasPrefix(l, notLocked) {
			m.unremark(l)
		}
	}
	if err != nil {
		m.remark(notLocked + err.Error())
	}
}

// resumeLocks takes the locks of the earlier managers: they are ours until we end.
func (m *Manager) resumeLocks(held heldFiles) {
	for tag, fd := range held {
		switch tag.Use {
		case keeper.Lock:
			m.locked = fd
		case keeper.Claim:
			m.claims.fds[tag.Name] = fd
		default:
			continue
		}
		delete(held, tag)
	}
}

// takeLock locks the path of the control socket, and waits so long for another one to end.
func (m *Manager) takeLock(patience time.Duration) error {
	path := m.lockPath()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	fd, err := lockFile("control socket "+m.Control, path, patience)
	if err != nil {
		return err
	}
	m.hold(keeper.Message{Tags: []keeper.Tag{{Use: keeper.Lock}}, Files: []int{fd}})
	if m.locked > 0 {
		unix.Close(m.locked)
	}
	m.locked = fd
	return nil
}

func (m *Manager) lockPath() string { return m.Control + ".lock" }

// claim locks the state directory of a configuration. A takenError is of another one that has it; any other says that no lock
// could be made, which is no reason not to go on: it cannot be written to either.
func (m *Manager) claim(c *targets.Config, patience time.Duration) error {
	if m.PID1 || !m.keepsState(c) {
		return nil
	}
	m.claims.mu.Lock()
	defer m.claims.mu.Unlock()
	dir := c.StateDirectory
	name, err := directory(dir)
	if err != nil {
		return err
	}
	if _, ours := m.claims.fds[name]; ours {
		return nil
	}
	fd, err := lockFile("state directory "+dir, filepath.Join(dir, "lock"), patience)
	if err != nil {
		return err
	}
	m.claims.fds[name] = fd
	m.hold(keeper.Message{Tags: []keeper.Tag{{Use: keeper.Claim, Name: name}}, Files: []int{fd}})
	return nil
}

// directory makes a directory and says which it is, by whatever path.
func directory(path string) (uint64, error) {
	if err := os.MkdirAll(path, 0o755); err != nil {
		return 0, err
	}
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		return 0, &os.PathError{Op: "stat", Path: path, Err: err}
	}
	h := fnv.New64a()
	fmt.Fprint(h, st.Dev, st.Ino)
	return h.Sum64(), nil
}

// claimNext is claim for a configuration that is to be applied.
func (m *Manager) claimNext(c *targets.Config) error {
	err := m.claim(c, 0)
	if errors.As(err, new(*takenError)) {
		return err
	}
	m.loop.Post(func() { m.noteClaim(err) })
	return nil
}

// lockFile locks a file for our keeper, and waits so long for another one to end. what is locked by it.
func lockFile(what, path string, patience time.Duration) (int, error) {
	fd, err := unix.Open(path, unix.O_RDWR|unix.O_CREAT|unix.O_CLOEXEC|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return -1, &os.PathError{Op: "open", Path: path, Err: err}
	}
	for end := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		err := unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB)
		switch {
		case err == nil:
			sign(fd)
			return fd, nil
		case err == unix.EINTR, err == unix.EWOULDBLOCK && time.Now().Before(end):
			continue
		case err == unix.EWOULDBLOCK:
			err = &takenError{what, signature(fd)}
		default:
			err = &os.PathError{Op: "lock", Path: path, Err: err}
		}
		unix.Close(fd)
		return -1, err
	}
}

// sign writes whose lock it is. On a full disk it stays without a name.
func sign(fd int) {
	unix.Ftruncate(fd, 0)
	unix.Pwrite(fd, []byte(itoa(os.Getppid())+"\n"), 0)
}

// signature is the keeper that has a lock, 0 where it does not say so.
func signature(fd int) int {
	var b [32]byte
	n, _ := unix.Pread(fd, b[:], 0)
	pid, _ := strconv.Atoi(strings.TrimSpace(string(b[:max(n, 0)])))
	return pid
}
