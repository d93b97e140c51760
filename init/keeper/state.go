package keeper

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/init/watchdog"
)

// State is all that a keeper hands to the program that it becomes in an upgrade. Descriptors keep their numbers. It is text
// (JSON) in a sealed memfd, since two versions must agree on it: what one does not know it leaves out, and what it
// does not find is zero. Where that is not enough Format changes, and a keeper that does not know it is not taken.
type State struct {
	Format int
	PID    int // of the process, which stays the same

	Args, Env               []string // of managers
	Facts, Ring, Wake, Land int
	Binary, Near, Far       int // the file, and both ends of the pair
	Held                    []heldFile

	Path    string // of Binary
	Manager int32
	Count   int
	Booted  bool
	Deaths  []time.Duration // the newest first
	Missed  uint64
	Dog     *dogState // nil is without a device
}

type heldFile struct {
	Tag Tag
	FD  int
}

// dogState is a dog: its device, and how far the manager's signs have come.
type dogState struct {
	Path                            string
	FD                              int // -1 is the service manager above us
	Disarm, Asked                   bool
	Interval, Next, Answered, Began time.Duration
	Beat                            uint64
}

// stateFormat is the only Format that there is.
const stateFormat = 1

// EnvState names the descriptor of a State in the environment of the program that takes over, and EnvAnswer in that of a trial where
// to say that it could.
const (
	EnvState  = "ORDERLY_KEEPER"
	EnvAnswer = "ORDERLY_KEEPER_ANSWER"
)

// TrialName is argv[0] of a program that is only to say whether it could take over.
const TrialName = "orderly-keeper"

// can is the answer of a trial.
const can = "can take over"

// state is the present one. It holds while the reaper is parked and the loop does nothing else.
func (k *Keeper) state() State {
	s := State{
		Format: stateFormat, PID: os.Getpid(),
		Args: k.Args, Env: k.Env,
		Facts: k.facts, Ring: k.ring, Wake: k.wake, Land: k.land,
		Binary: k.binary, Near: k.link.FD(), Far: k.far.FD(),
		Path: k.path, Manager: k.reaper.manager.Load(), Count: k.count, Booted: k.booted,
		Deaths: k.deaths.times[:k.deaths.n], Missed: k.missed,
	}
	for tag, fd := range k.held {
		s.Held = append(s.Held, heldFile{tag, fd})
	}
	if d := &k.dog; d.device != nil {
		s.Dog = &dogState{
			Path: d.device.Path, FD: d.device.FD(), Disarm: d.disarm, Asked: d.asked,
			Interval: d.interval, Next: d.next, Answered: d.answered, Began: d.began, Beat: d.beat,
		}
	}
	return s
}

// files are the descriptors that a State speaks of.
func (s *State) files() []int {
	list := []int{s.Facts, s.Ring, s.Wake, s.Land, s.Binary, s.Near, s.Far}
	for _, h := range s.Held {
		list = append(list, h.FD)
	}
	if s.Dog != nil && s.Dog.FD >= 0 {
		list = append(list, s.Dog.FD)
	}
	return list
}

// write puts the state into a memfd.
func (s *State) write() (fd int, err error) {
	b, err := json.Marshal(s)
	if err != nil {
		return -1, fmt.Errorf("encode the state: %w", err)
	}
	return Sealed("orderly-keeper", b)
}

// Inherited is the state that this very process left for the program that it has become, nil where there is none. A variable of
// that name that somebody else has set says nothing.
func Inherited() (*State, error) {
	fd, s, err := readState()
	if err != nil || s == nil || s.PID != os.Getpid() {
		return nil, err
	}
	unix.Close(fd)
	for _, fd := range s.files() {
		unix.CloseOnExec(fd)
	}
	return s, nil
}

// readState reads the memfd of EnvState. What is none is as good as nothing; one that cannot be read is an error.
func readState() (fd int, s *State, err error) {
	fd, err = strconv.Atoi(os.Getenv(EnvState))
	if err != nil || fd < 3 {
		return -1, nil, nil
	}
	var st unix.Stat_t
	if unix.Fstat(fd, &st) != nil || st.Mode&unix.S_IFMT != unix.S_IFREG || st.Nlink != 0 {
		return -1, nil, nil // not a memfd
	}
	b := make([]byte, st.Size)
	if _, err := unix.Pread(fd, b, 0); err != nil {
		return -1, nil, os.NewSyscallError("read the keeper's state", err)
	}
	s, err = decodeState(b)
	return fd, s, err
}

func decodeState(b []byte) (*State, error) {
	var s State
	if err := json.Unmarshal(b, &s); err != nil {
		return nil, fmt.Errorf("the keeper's state: %w", err)
	}
	if s.Format != stateFormat {
		return nil, fmt.Errorf("the keeper's state: format %d is not known, %d is", s.Format, stateFormat)
	}
	return &s, nil
}

// Try answers whether this program could go on as the keeper that started it. It is the whole of a process named TrialName.
func Try() error {
	_, s, err := readState()
	if err != nil {
		return err
	}
	if s == nil {
		return errors.New("no state of a keeper")
	}
	for _, fd := range s.files() {
		if _, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err != nil {
			return fmt.Errorf("descriptor %d of the keeper: %w", fd, err)
		}
	}
	if _, err := MapRing(s.Ring); err != nil {
		return err
	}
	answer, err := strconv.Atoi(os.Getenv(EnvAnswer))
	if err != nil {
		return fmt.Errorf("%s: %w", EnvAnswer, err)
	}
	_, err = unix.Write(answer, []byte(can))
	return os.NewSyscallError("write the answer", err)
}

// resume makes the keeper what the state says.
func (k *Keeper) resume(s *State) error {
	k.Args, k.Env = s.Args, s.Env
	k.binary, k.facts, k.ring, k.wake, k.land = s.Binary, s.Facts, s.Ring, s.Wake, s.Land
	k.path = s.Path
	k.count, k.booted, k.missed = s.Count, s.Booted, s.Missed
	k.deaths.n = copy(k.deaths.times[:], s.Deaths)
	for _, h := range s.Held {
		k.held[h.Tag] = h.FD
	}
	if err := k.ready(); err != nil {
		return err
	}
	k.reaper.manager.Store(s.Manager)
	k.link, k.far = NewLink(s.Near), NewLink(s.Far)
	k.beat = k.reaper.ring.Beat()
	if s.Dog != nil {
		k.dog.resume(s.Dog, k.say)
	}
	return k.watch(s.Near)
}

// resume goes on feeding. The device of a service manager is there already.
func (d *dog) resume(s *dogState, say func(format string, args ...any)) {
	d.disarm, d.asked, d.beat = s.Disarm, s.Asked, s.Beat
	d.interval, d.next, d.answered, d.began = s.Interval, s.Next, s.Answered, s.Began
	if s.FD < 0 {
		return
	}
	device, err := watchdog.Take(s.Path, s.FD)
	if err != nil {
		say("watchdog: %v", err)
		return
	}
	d.device = device
}
