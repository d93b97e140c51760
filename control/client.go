package control

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// DefaultPath is where the control socket is: $ORDERLY_CONTROL, else /run/orderly/control.sock, for an ordinary
// user below $XDG_RUNTIME_DIR.
func DefaultPath() string {
	if p := os.Getenv("ORDERLY_CONTROL"); p != "" {
		return p
	}
	if dir := os.Getenv("XDG_RUNTIME_DIR"); dir != "" && os.Geteuid() != 0 {
		return filepath.Join(dir, "orderly/control.sock")
	}
	return "/run/orderly/control.sock"
}

// Client is one connection; calls are made one after another.
type Client struct{ conn *conn }

// dialLimit is how long a client waits where others wait to be let in.
const dialLimit = 5 * time.Second

// Dial connects to a control socket.
func Dial(path string) (*Client, error) {
	for end := time.Now().Add(dialLimit); ; time.Sleep(10 * time.Millisecond) {
		c, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: path, Net: "unix"})
		if err == nil {
			return &Client{newConn(c)}, nil
		}
		// a socket that does not block is not told when there is room again (connect(2), EAGAIN)
		if !errors.Is(err, syscall.EAGAIN) || time.Now().After(end) {
			return nil, fmt.Errorf("connect to %s: %w; is Orderly running? (--control PATH names another socket)", path, cause(err))
		}
	}
}

// cause takes the words of package net away.
func cause(err error) error {
	var op *net.OpError
	if errors.As(err, &op) {
		return cause(op.Err)
	}
	var sys *os.SyscallError
	if errors.As(err, &sys) {
		return sys.Err
	}
	return err
}

// Close ends the connection and with it what was asked to go on.
func (c *Client) Close() error { return c.conn.Close() }

// Call calls a method of the control interface and decodes its reply. What the other side refuses is an *Error.
func (c *Client) Call(method string, in, out any) error {
	if err := c.send(method, in, false); err != nil {
		return err
	}
	r, err := c.receive(method)
	if err != nil {
		return err
	}
	return json.Unmarshal(r.Parameters, out)
}

// Stream calls a method with more and hands over every reply until the last, which is handed over too.
func (c *Client) Stream(method string, in any, each func(b json.RawMessage, last bool) error) error {
	if err := c.send(method, in, true); err != nil {
		return err
	}
	for {
		r, err := c.receive(method)
		if err != nil {
			return err
		}
		if err := each(r.Parameters, !r.Continues); err != nil || !r.Continues {
			return err
		}
	}
}

func (c *Client) send(method string, in any, more bool) error {
	b, err := json.Marshal(in)
	if err != nil {
		return err
	}
	if err := c.conn.write(call{Method: Interface + "." + method, Parameters: b, More: more}, 0); err != nil {
		return lost(method, err)
	}
	return nil
}

// lost is the error of a connection: however the other side has gone, it is said in the same words.
func lost(method string, err error) error {
	for _, gone := range []error{io.EOF, io.ErrUnexpectedEOF, syscall.ECONNRESET, syscall.EPIPE} {
		if errors.Is(err, gone) {
			return fmt.Errorf("%s: %w", method, ErrGone)
		}
	}
	return fmt.Errorf("%s: %w", method, cause(err))
}

func (c *Client) receive(method string) (reply, error) {
	b, err := c.conn.read(0)
	if err != nil {
		return reply{}, lost(method, err)
	}
	var r reply
	if err := json.Unmarshal(b, &r); err != nil {
		return reply{}, fmt.Errorf("%s: reply: %w", method, err)
	}
	if r.Error != "" {
		return reply{}, &Error{r.Error, r.Parameters}
	}
	return r, nil
}

// ErrGone says that the connection ended before the answer: the manager was replaced or has ended.
var ErrGone = errors.New("the connection ended before the answer")
