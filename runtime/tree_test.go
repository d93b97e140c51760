package runtime

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A start needs a manager and above it a keeper. So a test runs a scenario in
// a small tree of this same binary:
//
//	test ── keeper (subreaper, reaps all) ─┬─ manager: the scenario
//	                                       └─ what the scenario starts

const (
	roleVar     = "ORDERLY_TEST_ROLE"
	scenarioVar = "ORDERLY_TEST_SCENARIO"
	flavourVar  = "ORDERLY_TEST_FLAVOUR"
	argVar      = "ORDERLY_TEST_ARG"

	// mark comes between what the scenario printed and the report.
	mark = "\x01"

	slotsFD   = 3
	wakeFD    = 4
	slotCount = 64
)

func TestMain(m *testing.M) {
	var err error
	switch os.Getenv(roleVar) {
	case "keeper":
		err = keep()
	case "limit":
		err = printLimits()
	case "manager":
		err = manage()
	default:
		os.Exit(m.Run())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// report is what the keeper saw once nothing was left.
type report struct {
	Out   string        // what the scenario printed
	Exits map[int][]int // wait statuses by pid
	Slots []Slot
}

func tree(tb testing.TB, scenario string, f Flavour, arg string) report {
	tb.Helper()
	if f == Nested && Probe().Flavour != Nested {
		tb.Skip("needs Linux 5.16 and clone3")
	}
	ctx, cancel := context.WithTimeout(tb.Context(), time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, "/proc/self/exe")
	c.WaitDelay = time.Second
	c.Env = append(os.Environ(), roleVar+"=keeper", scenarioVar+"="+scenario,
		fmt.Sprintf("%s=%d", flavourVar, f), argVar+"="+arg)
	var out, problems bytes.Buffer
	c.Stdout, c.Stderr = &out, &problems
	if err := c.Run(); err != nil {
		tb.Fatalf("%s %v: %v\n%s%s", scenario, f, err, out.String(), problems.String())
	}
	var r report
	end := strings.LastIndex(out.String(), mark)
	if err := json.Unmarshal(out.Bytes()[end+1:], &r); err != nil {
		tb.Fatalf("%s: %v\n%s", scenario, err, out.String())
	}
	r.Out = out.String()[:end]
	return r
}

// status is the wait status of a process that the keeper must have seen once.
func (r report) status(tb testing.TB, pid int) syscall.WaitStatus {
	tb.Helper()
	if len(r.Exits[pid]) != 1 {
		tb.Fatalf("pid %d: exits %v, want one", pid, r.Exits[pid])
	}
	return syscall.WaitStatus(r.Exits[pid][0])
}

func keep() error {
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return err
	}
	slots, memfd, err := newSlots()
	if err != nil {
		return err
	}
	wake, err := unix.Eventfd(0, unix.EFD_CLOEXEC)
	if err != nil {
		return err
	}
	if err := os.Setenv(roleVar, "manager"); err != nil {
		return err
	}
	pid, err := syscall.ForkExec("/proc/self/exe", []string{"manager"}, &syscall.ProcAttr{
		Env:   os.Environ(),
		Files: []uintptr{0, 1, 2, uintptr(memfd), uintptr(wake)},
	})
	if err != nil {
		return err
	}
	r := report{Exits: map[int][]int{}}
	for {
		var ws syscall.WaitStatus
		gone, err := syscall.Wait4(-1, &ws, 0, nil)
		if errors.Is(err, syscall.EINTR) {
			continue
		}
		if errors.Is(err, syscall.ECHILD) {
			break
		}
		r.Exits[gone] = append(r.Exits[gone], int(ws))
	}
	if len(r.Exits[pid]) != 1 || r.Exits[pid][0] != 0 && os.Getenv(scenarioVar) != "die" {
		return fmt.Errorf("manager: wait statuses %#x", r.Exits[pid])
	}
	r.Slots = slots
	fmt.Print(mark)
	return json.NewEncoder(os.Stdout).Encode(r)
}

func newSlots() ([]Slot, int, error) {
	fd, err := unix.MemfdCreate("slots", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, 0, err
	}
	if err := unix.Ftruncate(fd, slotCount*int64(unsafe.Sizeof(Slot{}))); err != nil {
		return nil, 0, err
	}
	slots, err := mapSlots(fd)
	return slots, fd, err
}

func mapSlots(fd int) ([]Slot, error) {
	b, err := unix.Mmap(fd, 0, slotCount*int(unsafe.Sizeof(Slot{})), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, err
	}
	return unsafe.Slice((*Slot)(unsafe.Pointer(&b[0])), slotCount), nil
}

// manager is what a scenario works with.
type manager struct {
	host  Host
	slots []Slot
	arg   string
}

func manage() error {
	slots, err := mapSlots(slotsFD)
	if err != nil {
		return err
	}
	// Also what the test was given by whoever started it.
	if err := unix.CloseRange(slotsFD, uint(^uint32(0)), unix.CLOSE_RANGE_CLOEXEC); err != nil {
		return err
	}
	m := &manager{host: Probe(), slots: slots, arg: os.Getenv(argVar)}
	if os.Getenv(flavourVar) == fmt.Sprint(int(Cow)) {
		m.host.Flavour = Cow
	}
	run := scenarios()[os.Getenv(scenarioVar)]
	if run == nil {
		return errors.New("no such scenario")
	}
	return run(m)
}

// await blocks until slot i is done.
func (m *manager) await(i int) error {
	var b [8]byte
	for !m.slots[i].Ended() {
		if _, err := unix.Read(wakeFD, b[:]); err != nil {
			return err
		}
	}
	return nil
}

// start starts in slot 0 and waits until that is done.
func (m *manager) start(s Spec) error {
	p, err := Prepare(m.host, s)
	if err != nil {
		return err
	}
	if err := Start(p, &m.slots[0], wakeFD); err != nil {
		return err
	}
	if err := m.await(0); err != nil {
		return err
	}
	if err := Failure(p.Steps(), &m.slots[0]); err != nil {
		return err
	}
	return p.Free()
}

// output starts a process whose descriptor 1 is a pipe, and reads that.
func output(s Spec, start func(Spec) error) (string, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return "", err
	}
	s.Files = append([]File{{Child: 1, FD: int(w.Fd())}}, s.Files...)
	err = start(s)
	w.Close()
	if err != nil {
		return "", err
	}
	b, err := io.ReadAll(r)
	return string(b), err
}
