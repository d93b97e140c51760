package keeper

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/init/binary"
	"github.com/orderly-init/orderly/init/poll"
)

// How the keeper becomes another program, and stays the same process with the same children:
//
//	old program                                new program
//	the new manager, started by the old one, has said Hello
//	trial ─────────────────────────────────►   in a process of its own: reads the state, answers that it can
//	the reaper parks, between two children
//	signals are ignored, those that were
//	caught are passed on
//	execve ────────────────────────────────►   the state again, and this time it is its own
//	                                           catches signals, and reaps: who ended meanwhile is a zombie
//
// Whatever fails before execve(2) leaves the old program as it was. The manager notices nothing.

// trialLimit is how long a new program may take to answer, and the reaper to park.
const trialLimit = 5 * time.Second

// renew becomes the program that the manager runs already. It returns only where that was not to be had.
func (k *Keeper) renew() {
	err := k.become()
	if err == nil {
		return // the manager ended meanwhile: the next one says Hello
	}
	k.say("keeper: stays the program that it is: %v", err)
	k.tell(Message{Kind: Renewed, Text: err.Error()})
}

func (k *Keeper) become() error {
	k.sender.Wait()
	k.reaper.rest.Store(toRest)
	defer k.reaper.goOn()
	return k.handOver()
}

// handOver has the state tried, and executes the new program.
func (k *Keeper) handOver() error {
	s := k.state()
	fd, err := s.write()
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	files := append(s.files(), fd)
	for _, f := range files {
		unix.FcntlInt(uintptr(f), unix.F_SETFD, 0)
	}
	defer func() {
		for _, f := range files {
			unix.CloseOnExec(f)
		}
	}()
	if err := k.try(fd); err != nil {
		return err
	}
	return k.execute(fd)
}

// try starts the new program to ask whether it could take over. Its end, too, is what wakes a reaper that waits for a child.
func (k *Keeper) try(state int) error {
	var answer [2]int
	if err := unix.Pipe2(answer[:], 0); err != nil {
		return os.NewSyscallError("pipe2", err)
	}
	unix.CloseOnExec(answer[0])
	env := []string{EnvState + "=" + strconv.Itoa(state), EnvAnswer + "=" + strconv.Itoa(answer[1])}
	process := -1
	_, err := syscall.ForkExec(binary.Path(k.binary), []string{TrialName}, &syscall.ProcAttr{
		Dir: "/", Env: env, Files: []uintptr{0, 1, 2}, Sys: &syscall.SysProcAttr{Setsid: true, PidFD: &process},
	})
	unix.Close(answer[1])
	defer unix.Close(answer[0])
	if err != nil {
		return fmt.Errorf("start the new program for a trial: %w", err)
	}
	defer unix.Close(process)
	var b [len(can) + 1]byte
	n := 0
	if k.patiently(func(ms int) bool { return readable(answer[0], ms) }) {
		n, _ = unix.Read(answer[0], b[:])
	}
	if string(b[:max(n, 0)]) != can {
		unix.PidfdSendSignal(process, unix.SIGKILL, nil, 0)
		return errors.New("the new program does not answer that it can take over")
	}
	return nil
}

// patiently waits for something, in turns of some milliseconds, and feeds the watchdog meanwhile.
func (k *Keeper) patiently(come func(ms int) bool) bool {
	for end := poll.Now() + trialLimit; poll.Now() < end; k.tend() {
		if come(100) {
			return true
		}
	}
	return false
}

// readable waits until a descriptor has something to read, or its other end is closed.
func readable(fd, ms int) bool {
	list := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
	n, err := unix.Poll(list, ms)
	return err == nil && n > 0
}

// execute becomes the new program, once nothing is under way that only this one knows of.
func (k *Keeper) execute(state int) error {
	if !k.patiently(k.reaper.comesToRest) {
		return errors.New("the reaper does not come to rest")
	}
	if k.reaper.ended.Load() != 0 {
		k.renewing = true
		return nil
	}
	defer k.listen()
	if err := k.hush(); err != nil {
		return err
	}
	defer hold()()
	return os.NewSyscallError("execve the new program", syscall.Exec(binary.Path(k.binary), os.Args, k.successor(state)))
}

// successor is the environment of the program that this process becomes.
func (k *Keeper) successor(state int) []string {
	env := slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, EnvState+"=") })
	return append(env, EnvState+"="+strconv.Itoa(state))
}
