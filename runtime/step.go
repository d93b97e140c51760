package runtime

import (
	"fmt"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// Step is one thing that a child does before it executes, as data: a system
// call and its arguments.
type Step struct {
	// Verb and Object name the step for people: "chdir", "/data".
	Verb, Object string
	// Call is the name of the system call, Nr its number.
	Call string
	Nr   uintptr
	// Args are at most six of int, uintptr, string (a C string), []string (a
	// vector of them), []uint64 and []uint32 (structures), and Code.
	Args []any
	// Each, unless empty, makes the call once for each value, as its first
	// argument before Args.
	Each []int
	// Fine is the one error that is none: what the step is for is so already,
	// as EEXIST says of mkdir(2). 0 is none.
	Fine syscall.Errno

	how   flag
	clone bool // the one that makes the child
	part  Part
	skip  int // how many operations behind it a soft one takes along, or one that is omitted
}

// Code is an argument that becomes a struct sock_fprog, see seccomp(2).
type Code []uint64

// flag says how the interpreter treats a step; the assembly knows the values.
type flag uintptr

const (
	flagTry   flag = 1 << iota // an error is no failure
	flagFork                   // the child goes on here, the intermediate waits and ends
	flagSave                   // the result is kept,
	flagUse                    // and is the first argument here
	flagOuter                  // of the intermediate: an error ends it in order
	flagSoft                   // an error is noted in the Slot, by the part in place of the step, and the part left out
	flagOmit                   // with the error that is none those behind it have nothing to do and are left out

	// above the flags: the error that is none, then the index of the step
	fineShift = 8
	fineMask  = 0xff
	stepShift = 16
)

// kept is the argument that flagUse fills in.
const kept = uintptr(0)

// Name is the step in words, as a failure shows it: "chdir /data".
func (s Step) Name() string {
	if s.Object == "" {
		return s.Verb
	}
	return s.Verb + " " + s.Object
}

// String is the step with its system call, on one line.
func (s Step) String() string {
	var args []string
	if len(s.Each) > 0 {
		args = append(args, fmt.Sprint(s.Each))
	}
	for i, a := range s.Args {
		if i == 0 && s.how&flagUse != 0 {
			args = append(args, "fd")
			continue
		}
		args = append(args, show(a))
	}
	call := s.Call + "(" + strings.Join(args, ", ") + ")"
	if s.how&flagSave != 0 {
		call = "fd = " + call
	}
	if s.how&flagSoft != 0 {
		call = fmt.Sprintf("optional %v %d: %s", s.part, s.skip, call)
	}
	if s.how&flagTry != 0 {
		call = "try " + call
	}
	if s.Fine != 0 {
		call += " or " + unix.ErrnoName(s.Fine)
	}
	if s.how&flagOmit != 0 {
		call += fmt.Sprintf(", then without the next %d", s.skip)
	}
	return fmt.Sprintf("%-28s %s", s.Name(), call)
}

func show(a any) string {
	switch a := a.(type) {
	case string:
		return strconv.Quote(a)
	case []string:
		return fmt.Sprintf("%q", a)
	case Code:
		return fmt.Sprintf("%d instructions", len(a))
	case []uint64:
		return strings.ReplaceAll(fmt.Sprint(a), strconv.FormatUint(Infinity, 10), "unlimited")
	}
	return fmt.Sprint(a)
}

// StepError is the step of a start that failed, and why.
type StepError struct {
	Step  string
	Errno syscall.Errno
}

func (e *StepError) Error() string { return e.Step + ": " + e.Why() }

// Why is the error in words; where the errno alone would leave one guessing it
// has its name, and what the kernel means by it.
func (e *StepError) Why() string {
	for _, m := range meanings() {
		if m.errno == e.Errno && strings.HasPrefix(e.Step+" ", m.verb+" ") {
			return unix.ErrnoName(e.Errno) + ", " + m.text
		}
	}
	return e.Errno.Error()
}

// meaning is what an errno says of a step, by its manual page.
type meaning struct {
	verb  string
	errno syscall.Errno
	text  string
}

func meanings() []meaning {
	return []meaning{
		{"pivot_root", unix.EINVAL, "the new root is not a mount point, or the old one is the initramfs"},
		{"overlay", unix.EINVAL, "the layers do not fit: they must be directories, upper and work on one file system that is no overlay itself"},
		{"overlay", unix.ENODEV, "the kernel does not have overlay file systems (module overlay)"},
		{"mount", unix.ENODEV, "the kernel does not know the type of the file system"},
		{"enter namespace", unix.EINVAL, "the kind of namespace does not fit"},
		{"clone", unix.ENOSPC, "there are as many namespaces as the kernel allows (user.max_*_namespaces)"},
	}
}

// Unwrap makes errors.Is(err, fs.ErrNotExist) and the like work.
func (e *StepError) Unwrap() error { return e.Errno }

// Failure is the error that the start in s ended with, a *StepError; nil: none
// so far. Steps are those of the Program that was started, or of an equal Spec
// if the caller is a later one.
func Failure(steps []Step, s *Slot) error {
	errno := s.errno()
	if errno == 0 {
		return nil
	}
	name := "step " + strconv.Itoa(int(s.Step))
	if i := int(s.Step); i >= 0 && i < len(steps) {
		name = steps[i].Name()
	}
	return &StepError{Step: name, Errno: errno}
}
