package keeper

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// Kind says what a Message is.
type Kind uint32

// The messages. Those of the first block go to the keeper, those of the second to the manager.
const (
	Hello   Kind = iota + 1 // the manager's loop runs and has what it needs
	Hold                    // keep these descriptors under their tags; a tag that is in use is replaced
	Drop                    // close the descriptors of these tags
	Booted                  // the machine has been set up: a later manager must not do it again
	Replace                 // one descriptor: the binary of the next manager, which follows at once; Text is its path
	Finish                  // Value is a FinishValue: end the machine, or the program
	Shown                   // Text is what to tell a service manager above us (sd_notify(3))

	Signal  // Value is the signal's number
	Held    // one descriptor with its tag
	HeldEnd // no more of them
	Missed  // Value is how many bytes of output were thrown away while there was no manager to read them

	Watch    // to the keeper: feed the watchdog at the path Text, Value is a WatchValue; no path is none any more
	Watchdog // to the manager: how the watchdog is, in words; Value is a WatchState

	Renewed // to the manager: the keeper is the new program too; with a Text it is not, and that is why
)

// Tag names a held descriptor: what it is, whose, and of which run.
type Tag struct {
	Use  Use
	Run  uint32
	Name uint64 // the hash of the component's name, 0 for the machine's own
}

// Use says what a held descriptor is for.
type Use uint32

// The uses.
const (
	Configuration Use = iota + 1 // memfd with the running configuration
	Listener                     // the control socket
	Output                       // reading end of a component's stdout and stderr
	Readiness                    // reading end of the readiness pipe
	Notify                       // the notify socket
	Journal                      // memfd with the newest events
	Lock                         // what keeps a second Orderly off the control socket
	Errand                       // reading end of stdout and stderr of a command of a component, while that runs too
	PipeReader                   // reading end of a pipe between components
	PipeWriter                   // writing end of the same
	Adopted                      // pidfd of a main process that something else started
	Trial                        // memfd with the configuration before one that waits to be confirmed
	Released                     // pidfd of a process that is nobody's any more; the run is its pid
	Beat                         // reading end of the heartbeat pipe
	Remarks                      // memfd with what status tells of the machine, a line each
	NameService                  // a socket of a network that names are asked at; the run is its place among them
	Bundle                       // memfd with the config.json that a run was started with
	Claim                        // what keeps a second Orderly out of a state directory, which the name is the hash of
	Heir                         // pidfd of a process that is to follow a main process; the run is its pid
	Poststart                    // as Bundle, until the hooks that follow its start have ended
	Stale                        // memfd with the mark of a file that was there before a start, and does not make ready
	Adopting                     // pidfd of a process that is about to be adopted; the run is its pid
	Member                       // memfd with what a component is on a network by; the run is a hash of the network's name
)

// FinishValue packs what Finish says: the end, the exit status of `orderly run`, and that nothing is waited for.
func FinishValue(end uint8, code int, now bool) uint64 {
	v := uint64(end) | uint64(uint8(code))<<8
	if now {
		v |= 1 << 16
	}
	return v
}

// MaxTags is how many tags and descriptors fit one message: SCM_MAX_FD of the kernel is 253.
const MaxTags = 64

// MaxText is how many bytes of text fit one message.
const MaxText = 1024

const (
	headSize = 16
	tagSize  = 16
	maxSize  = headSize + MaxTags*tagSize + MaxText
)

// Message is one packet between keeper and manager.
type Message struct {
	Kind  Kind
	Value uint64
	Tags  []Tag
	Text  string // at most MaxText bytes; more are cut off
	Files []int  // descriptors that travel along; the receiver owns them
}

// Append encodes m without its descriptors.
func (m *Message) Append(b []byte) []byte {
	b = binary.LittleEndian.AppendUint32(b, uint32(m.Kind))
	b = binary.LittleEndian.AppendUint32(b, uint32(len(m.Tags)))
	b = binary.LittleEndian.AppendUint64(b, m.Value)
	for _, t := range m.Tags {
		b = binary.LittleEndian.AppendUint32(b, uint32(t.Use))
		b = binary.LittleEndian.AppendUint32(b, t.Run)
		b = binary.LittleEndian.AppendUint64(b, t.Name)
	}
	return append(b, m.Text[:min(len(m.Text), MaxText)]...)
}

// Decode reads a packet; tags are appended to the given slice so that a receiver can reuse it.
func Decode(b []byte, tags []Tag) (Message, error) {
	if len(b) < headSize {
		return Message{}, fmt.Errorf("packet of %d bytes: shorter than its head", len(b))
	}
	m := Message{Kind: Kind(binary.LittleEndian.Uint32(b)), Value: binary.LittleEndian.Uint64(b[8:])}
	n := int(binary.LittleEndian.Uint32(b[4:]))
	if n > MaxTags || len(b) < headSize+n*tagSize || len(b) > maxSize {
		return Message{}, fmt.Errorf("packet of %d bytes: %d tags do not fit", len(b), n)
	}
	m.Text = string(b[headSize+n*tagSize:])
	for b = b[headSize : headSize+n*tagSize]; len(b) > 0; b = b[tagSize:] {
		tags = append(tags, Tag{
			Use:  Use(binary.LittleEndian.Uint32(b)),
			Run:  binary.LittleEndian.Uint32(b[4:]),
			Name: binary.LittleEndian.Uint64(b[8:]),
		})
	}
	m.Tags = tags
	return m, nil
}

// Link is one end of the pair between keeper and manager. One goroutine receives; sends may come from any.
type Link struct {
	fd   int
	in   [maxSize]byte
	oob  [oobSize]byte
	tags [MaxTags]Tag
}

// oobSize is room for one SCM_RIGHTS message with MaxTags descriptors (cmsg(3)).
const oobSize = 16 + 4*MaxTags

// NewLink takes over a connected SOCK_SEQPACKET descriptor.
func NewLink(fd int) *Link { return &Link{fd: fd} }

// FD is the descriptor to poll.
func (l *Link) FD() int { return l.fd }

// Close closes the descriptor.
func (l *Link) Close() error { return unix.Close(l.fd) }

// ErrClosed says that the other end is gone.
var ErrClosed = errors.New("the other end is closed")

// Send sends one message and its descriptors, which stay the caller's. It waits where the pair is full.
func (l *Link) Send(m Message) error { return l.send(m, 0) }

// TrySend is Send that gives up with unix.EAGAIN where the pair is full.
func (l *Link) TrySend(m Message) error { return l.send(m, unix.MSG_DONTWAIT) }

func (l *Link) send(m Message, flags int) error {
	var out [maxSize]byte
	var rights []byte
	if len(m.Files) > 0 {
		rights = unix.UnixRights(m.Files...)
	}
	err := retry(func() error {
		return unix.Sendmsg(l.fd, m.Append(out[:0]), rights, nil, unix.MSG_NOSIGNAL|flags)
	})
	if err == unix.EPIPE || err == unix.ECONNRESET {
		return ErrClosed
	}
	if err != nil {
		return fmt.Errorf("send to the other end: %w", os.NewSyscallError("sendmsg", err))
	}
	return nil
}

// Receive takes one message. With wait unset it returns unix.EAGAIN where there is none. The tags of the message
// are valid until the next call.
func (l *Link) Receive(wait bool) (Message, error) {
	if wait {
		return l.receive(0)
	}
	return l.receive(unix.MSG_DONTWAIT)
}

// Peek is Receive that does not wait and leaves the message there, so that it is not lost with its reader.
func (l *Link) Peek() (Message, error) { return l.receive(unix.MSG_DONTWAIT | unix.MSG_PEEK) }

func (l *Link) receive(flags int) (Message, error) {
	var n, oobn int
	err := retry(func() (err error) {
		n, oobn, _, _, err = unix.Recvmsg(l.fd, l.in[:], l.oob[:], unix.MSG_CMSG_CLOEXEC|flags)
		return err
	})
	switch {
	case err == unix.EAGAIN:
		return Message{}, err
	case err == unix.ECONNRESET, err == nil && n == 0:
		return Message{}, ErrClosed
	case err != nil:
		return Message{}, os.NewSyscallError("recvmsg", err)
	}
	files := rightsOf(l.oob[:oobn])
	m, err := Decode(l.in[:n], l.tags[:0])
	if err != nil {
		closeAll(files)
		return Message{}, err
	}
	m.Files = files
	return m, nil
}

// rightsOf returns the descriptors of a control message; nil where there are none.
func rightsOf(oob []byte) []int {
	if len(oob) == 0 {
		return nil
	}
	msgs, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return nil
	}
	var all []int
	for i := range msgs {
		if fds, err := unix.ParseUnixRights(&msgs[i]); err == nil {
			all = append(all, fds...)
		}
	}
	return all
}

func closeAll(fds []int) {
	for _, fd := range fds {
		unix.Close(fd)
	}
}

// retry repeats a system call that a signal interrupted: Go's own preemption signal does too.
func retry(f func() error) error {
	for {
		if err := f(); err != unix.EINTR {
			return err
		}
	}
}
