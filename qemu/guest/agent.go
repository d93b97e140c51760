package guest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/orderly-init/orderly/qemu/wire"
)

// Result is how a program in the guest ended.
type Result struct {
	Out, Err string
	Exit     int // 128 and the signal where it was killed
}

// line is the agent's port. Replies are handed to the command they belong to.
type line struct {
	conn  net.Conn
	hello chan struct{} // closed when the agent has said hello

	mu       sync.Mutex
	last     int
	commands map[int]chan wire.Reply
	lost     error // nil while the port works
}

func newLine(conn net.Conn) *line {
	return &line{conn: conn, hello: make(chan struct{}), commands: map[int]chan wire.Reply{}}
}

// read hands out replies until the port is closed.
func (l *line) read() {
	replies := json.NewDecoder(l.conn)
	for {
		var r wire.Reply
		if err := replies.Decode(&r); err != nil {
			l.end(err)
			return
		}
		if r.ID == 0 {
			l.greet()
			continue
		}
		l.mu.Lock()
		c := l.commands[r.ID]
		if r.Done {
			delete(l.commands, r.ID)
		}
		l.mu.Unlock()
		if c != nil {
			c <- r
		}
	}
}

// greet notes that there is an agent. A second one has taken the place of one that died with its commands.
func (l *line) greet() {
	select {
	case <-l.hello:
		l.abandon("the agent was started again")
	default:
		close(l.hello)
	}
}

func (l *line) end(err error) {
	l.mu.Lock()
	l.lost = fmt.Errorf("agent: %w", err)
	l.mu.Unlock()
	l.abandon("the machine is off")
}

// abandon ends all commands.
func (l *line) abandon(why string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for id, c := range l.commands {
		delete(l.commands, id)
		go func() { c <- wire.Reply{ID: id, Done: true, Exit: -1, Why: why} }()
	}
}

func (l *line) send(r wire.Request, c chan wire.Reply) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.lost != nil {
		return 0, l.lost
	}
	if c != nil {
		l.last++
		r.ID = l.last
		l.commands[r.ID] = c
	}
	text, err := json.Marshal(r)
	if err == nil {
		_, err = l.conn.Write(append(text, '\n'))
	}
	return r.ID, err
}

// Await waits until the agent answers.
func (g *Guest) Await(limit time.Duration) error {
	select {
	case <-g.agent.hello:
		return nil
	case <-g.ended:
		return errors.New("wait for the agent: the machine is off")
	case <-time.After(limit):
		return fmt.Errorf("wait for the agent: not there within %v", limit)
	}
}

// Run runs a program in the guest to its end. A program that could not be started, or did not end, is an error; an
// exit code is not.
func (g *Guest) Run(limit time.Duration, argv ...string) (Result, error) {
	f, err := g.Follow(argv...)
	if err != nil {
		return Result{}, err
	}
	defer f.Close()
	var out, errs bytes.Buffer
	late := time.After(limit)
	for {
		select {
		case r := <-f.replies:
			out.Write(r.Out)
			errs.Write(r.Err)
			if r.Done && r.Why != "" {
				return Result{}, fmt.Errorf("run %q in the guest: %s", argv, r.Why)
			}
			if r.Done {
				return Result{Out: out.String(), Err: errs.String(), Exit: r.Exit}, nil
			}
		case <-late:
			return Result{}, fmt.Errorf("run %q in the guest: not done within %v\n%s%s", argv, limit, out.Bytes(), errs.Bytes())
		}
	}
}

// Follow starts a program in the guest whose output is read as it comes.
func (g *Guest) Follow(argv ...string) (*Following, error) {
	if err := g.Await(g.patience); err != nil {
		return nil, err
	}
	replies := make(chan wire.Reply, 1024)
	id, err := g.agent.send(wire.Request{Argv: argv}, replies)
	if err != nil {
		return nil, err
	}
	return &Following{agent: g.agent, id: id, replies: replies, argv: argv}, nil
}

// Following is a program that runs in the guest.
type Following struct {
	agent   *line
	id      int
	argv    []string
	replies chan wire.Reply
	text    []byte // read and not yet handed out
	done    bool
	closed  bool
}

// Line waits for the next line that the program prints to its standard output.
func (f *Following) Line(limit time.Duration) (string, error) {
	late := time.After(limit)
	for {
		if before, after, ok := bytes.Cut(f.text, []byte("\n")); ok {
			f.text = after
			return string(before), nil
		}
		if f.done {
			return "", fmt.Errorf("follow %q: it has ended", f.argv)
		}
		select {
		case r := <-f.replies:
			f.text = append(f.text, r.Out...)
			f.done = r.Done
		case <-late:
			return "", fmt.Errorf("follow %q: no line within %v", f.argv, limit)
		}
	}
}

// Close ends the program.
func (f *Following) Close() {
	if f.closed || f.done {
		return
	}
	f.closed = true
	_, _ = f.agent.send(wire.Request{ID: f.id, Kill: true}, nil)
	go f.drain()
}

// drain takes what still comes, so that the port's reader goes on.
func (f *Following) drain() {
	for r := range f.replies {
		if r.Done {
			return
		}
	}
}
