package seccomp

// Action is what the kernel does about a call, one of SECCOMP_RET_* with its
// data, see seccomp(2).
type Action uint32

// The actions.
const (
	Kill  Action = 0x80000000 // the whole process, with SIGSYS
	Log   Action = 0x7ffc0000 // allowed, and told to the audit log
	Allow Action = 0x7fff0000

	KillThread Action = 0          // the calling thread alone
	Trap       Action = 0x00030000 // SIGSYS, which a program can handle
)

// Trace asks a tracer, which gets the number; without one the call fails with
// ENOSYS.
func Trace(n uint32) Action { return Action(0x7ff00000 | n&0xffff) }

// Errno makes the call fail with a number of errno(3).
func Errno(n uint32) Action { return Action(0x00050000 | n&0xffff) }

// Profile says what happens at each call.
type Profile struct {
	// Default is for calls that no rule names.
	Default Action
	// Rules are asked in this order; the first that matches decides. Names that
	// an architecture does not have mean nothing there.
	Rules []Rule
}

// Rule is an action for some calls, if all of the conditions hold.
type Rule struct {
	Names  []string
	Action Action
	If     []Condition
}

// Condition compares the argument at Index, 0 to 5, with Value; under Mask, if
// Compare is Masked.
type Condition struct {
	Index       int
	Compare     Compare
	Mask, Value uint64
}

// Compare is how an argument is compared.
type Compare int

// The comparisons, without sign.
const (
	Equal Compare = iota
	NotEqual
	Less
	LessOrEqual
	Greater
	GreaterOrEqual
	Masked
)

// always are the calls that a start makes once the filter is in force: exec,
// and the end where that fails.
func always() []string { return []string{"execve", "exit_group"} }
