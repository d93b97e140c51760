package control

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"
)

// Interface is the name of the control interface.
const Interface = "org.orderly.Control"

// MaxMessage bounds one message in bytes, in either direction.
const MaxMessage = 4 << 20

// call is a varlink request.
type call struct {
	Method     string          `json:"method"`
	Parameters json.RawMessage `json:"parameters,omitempty"`
	More       bool            `json:"more,omitempty"`
	Oneway     bool            `json:"oneway,omitempty"`
	Upgrade    bool            `json:"upgrade,omitempty"`
}

// reply is a varlink reply.
type reply struct {
	Parameters json.RawMessage `json:"parameters"`
	Continues  bool            `json:"continues,omitempty"`
	Error      string          `json:"error,omitempty"`
}

// Error is an error that travels: its name in the interface, and its parameters.
type Error struct {
	Name       string // full: interface and name
	Parameters any    // on the way out a struct, on the way in json.RawMessage
}

// Error says what the other side said.
func (e *Error) Error() string {
	short := strings.TrimPrefix(strings.TrimPrefix(e.Name, Interface+"."), "org.varlink.service.")
	var p struct {
		Reason   string   `json:"reason"`
		Hints    []string `json:"hints"`
		Problems []string `json:"problems"`
	}
	b, _ := json.Marshal(e.Parameters)
	json.Unmarshal(b, &p)
	switch {
	case len(p.Problems) > 0:
		return strings.Join(p.Problems, "\n")
	case p.Reason == "":
		return short + " " + string(b)
	case len(p.Hints) > 0:
		return p.Reason + "; did you mean " + strings.Join(p.Hints, " or ") + "?"
	}
	return p.Reason
}

// Refused, Failed, Denied and Invalid make the errors of the interface.
func Refused(hints []string, format string, args ...any) error {
	return &Error{Interface + ".Refused", RefusedError{fmt.Sprintf(format, args...), notNil(hints)}}
}

// Failed says that something was tried.
func Failed(format string, args ...any) error {
	return &Error{Interface + ".Failed", FailedError{fmt.Sprintf(format, args...)}}
}

// Denied says that the caller may not.
func Denied(format string, args ...any) error {
	return &Error{Interface + ".Denied", DeniedError{fmt.Sprintf(format, args...)}}
}

// Invalid lists the problems of a configuration.
func Invalid(problems []string) error {
	return &Error{Interface + ".Invalid", InvalidError{notNil(problems)}}
}

func notNil(s []string) []string {
	if s == nil {
		return []string{}
	}
	return s
}

// ErrTooLong says that a message is longer than MaxMessage.
var ErrTooLong = errors.New("the message is too long")

// conn reads and writes messages. One goroutine reads, one writes.
type conn struct {
	net.Conn
	in *bufio.Reader
}

func newConn(c net.Conn) *conn { return &conn{Conn: c, in: bufio.NewReaderSize(c, 4096)} }

// read returns the next message without its NUL. Once its first byte is there, the rest must come within limit;
// 0 is no limit.
func (c *conn) read(limit time.Duration) ([]byte, error) {
	if _, err := c.in.Peek(1); err != nil {
		return nil, err
	}
	if limit > 0 {
		c.SetReadDeadline(time.Now().Add(limit))
		defer c.SetReadDeadline(time.Time{})
	}
	return readMessage(c.in)
}

func readMessage(in *bufio.Reader) ([]byte, error) {
	var whole []byte
	for {
		part, err := in.ReadSlice(0)
		if len(whole)+len(part) > MaxMessage {
			return nil, ErrTooLong
		}
		whole = append(whole, part...)
		switch {
		case err == nil:
			return bytes.TrimSuffix(whole, []byte{0}), nil
		case errors.Is(err, bufio.ErrBufferFull):
		case err == io.EOF && len(whole) > 0:
			return nil, io.ErrUnexpectedEOF
		default:
			return nil, err
		}
	}
}

// write sends one message; a reader that does not take it within limit has lost the connection. 0 is no limit.
func (c *conn) write(v any, limit time.Duration) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if limit > 0 {
		c.SetWriteDeadline(time.Now().Add(limit))
		defer c.SetWriteDeadline(time.Time{}) // or its timer wakes an idle manager
	}
	_, err = c.Conn.Write(append(b, 0))
	return err
}
