package supervisor

// Await asks for the start conditions of a component, by their place in its definition; a Tested follows for each, and
// another one when a condition that did not hold comes to hold. It ends with CancelAwait, or when the component leaves the
// configuration (Renumbered). It may be given again for the same Ask.
type Await struct {
	Component  int
	Ask        uint32
	Conditions []int
}

// CancelAwait ends an Await: nothing more about it changes anything.
type CancelAwait struct {
	Component int
	Ask       uint32
}

// Tested tells of one condition of an Await that it holds, or why not.
type Tested struct {
	Component int
	Ask       uint32
	Condition int
	Holds     bool
	Why       string // "" when it holds
}

func (Await) effect()       {}
func (CancelAwait) effect() {}
func (Tested) event()       {}
