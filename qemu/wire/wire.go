// Package wire has the messages between a test and the agent in the guest: JSON, one message a line, over a virtio
// port. The test asks, the agent answers until Done.
//
//	test ── Request{ID, Argv} ─────────────────────► agent
//	     ◄─ Reply{ID, Out}, Reply{ID, Err}, ... ────
//	     ◄─ Reply{ID, Done, Exit} ──────────────────
//
// The agent says hello with a Reply that has no ID.
package wire

// Port is the name of the virtio port.
const Port = "orderly.agent"

// Request runs a program, or ends one that runs.
type Request struct {
	ID    int
	Argv  []string `json:",omitempty"`
	Stdin []byte   `json:",omitempty"`
	Kill  bool     `json:",omitempty"` // end the program of this ID
}

// Reply is a piece of what the program prints, or how it ended.
type Reply struct {
	ID   int
	Out  []byte `json:",omitempty"`
	Err  []byte `json:",omitempty"`
	Done bool   `json:",omitempty"`
	Exit int    `json:",omitempty"` // as a shell says it: 128 and the signal, 127 where it could not be started
	Why  string `json:",omitempty"` // why it could not be started
}
