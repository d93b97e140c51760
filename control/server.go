package control

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"net"
	"os"
	"sync"
	"time"
)

// Definition is the interface definition that introspection gives.
//
//go:embed org.orderly.Control.varlink
var Definition string

// Access is what a method needs.
type Access uint8

// The kinds of access.
const (
	Look Access = iota
	Alter
)

// Method serves one call. It returns the last reply; with more set it may send others before with send. ctx ends
// when the client has gone or the server stops.
type Method struct {
	Access Access
	Serve  func(ctx context.Context, in Call) (any, error)
}

// Call is one request as a Method sees it.
type Call struct {
	Peer       Peer
	MayChange  bool
	More       bool
	Parameters json.RawMessage
	Send       func(v any) error // a reply before the last, only with More
}

// Bind decodes the parameters.
func (c *Call) Bind(v any) error {
	if len(c.Parameters) == 0 {
		return nil
	}
	if err := json.Unmarshal(c.Parameters, v); err != nil {
		return &Error{"org.varlink.service.InvalidParameter", map[string]string{"parameter": err.Error()}}
	}
	return nil
}

// Limits of a server.
const (
	maxClients    = 128
	maxPerUser    = 48 // of one user who is not root
	messageLimit  = 10 * time.Second
	replyLimit    = 10 * time.Second
	denialsLogged = 10
)

// Server answers on one listener.
type Server struct {
	Methods map[string]Method // by short name
	// Allow says whether a peer may use a kind of access.
	Allow func(p Peer, a Access) bool
	// Audit is told of denials, of the first of each connection.
	Audit func(p Peer, method string)
	Info  Info

	mu      sync.Mutex
	clients map[*net.UnixConn]int // the uid
	wait    sync.WaitGroup
	life    context.Context // until Close; nil before the first Serve
	cancel  context.CancelFunc
}

// Info is what org.varlink.service.GetInfo says.
type Info struct {
	Vendor     string   `json:"vendor"`
	Product    string   `json:"product"`
	Version    string   `json:"version"`
	URL        string   `json:"url"`
	Interfaces []string `json:"interfaces"`
}

// Serve accepts until the listener is closed, which it owns, or its deadline is over. Another one may come then, or meanwhile: who is served is that until Close.
func (s *Server) Serve(l *net.UnixListener) {
	ctx := s.begin()
	for {
		c, err := l.AcceptUnix()
		switch {
		case errors.Is(err, net.ErrClosed), errors.Is(err, os.ErrDeadlineExceeded):
			l.Close()
			return
		case err != nil: // EMFILE, ENFILE, ECONNABORTED: the next one may succeed, but do not spin
			select {
			case <-ctx.Done():
				return
			case <-time.After(100 * time.Millisecond):
			}
			continue
		}
		s.wait.Go(func() { s.client(ctx, c) })
	}
}

// begin makes what all listeners share.
func (s *Server) begin() context.Context {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.life == nil {
		s.clients = map[*net.UnixConn]int{}
		s.life, s.cancel = context.WithCancel(context.Background())
	}
	return s.life
}

// closeLimit is how long Close lets the last replies be written.
const closeLimit = 500 * time.Millisecond

// Close ends what is being served, lets the last replies go out, closes every connection and waits for the
// goroutines. The listener is closed by the caller, first.
func (s *Server) Close() {
	s.mu.Lock()
	if s.cancel != nil {
		s.cancel()
	}
	for c := range s.clients {
		c.SetReadDeadline(time.Unix(1, 0)) // no further call
	}
	s.mu.Unlock()
	late := time.AfterFunc(closeLimit, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		for c := range s.clients {
			c.Close()
		}
	})
	s.wait.Wait()
	late.Stop()
}

// client serves one connection until it ends.
func (s *Server) client(ctx context.Context, c *net.UnixConn) {
	defer c.Close()
	peer, err := peerOf(c)
	if err != nil || !s.enter(c, peer.UID) {
		return
	}
	defer s.leave(c)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	session := &session{server: s, conn: newConn(c), peer: peer}
	// reading goes on while a call is served: that is how a client that has gone is noticed
	calls := make(chan []byte)
	s.wait.Go(func() {
		defer cancel()
		defer close(calls)
		for {
			b, err := session.conn.read(messageLimit)
			if err != nil {
				return
			}
			select {
			case calls <- b:
			case <-ctx.Done():
				return
			}
		}
	})
	for b := range calls {
		if err := session.serve(ctx, b); err != nil {
			break
		}
	}
	c.Close()
	for range calls {
	}
}

// enter counts a client in; it is turned away when there are too many, of its user or at all.
func (s *Server) enter(c *net.UnixConn, uid int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	same := 0
	for _, u := range s.clients {
		if u == uid {
			same++
		}
	}
	if len(s.clients) >= maxClients && uid != 0 || len(s.clients) >= 2*maxClients || uid != 0 && same >= maxPerUser {
		return false
	}
	s.clients[c] = uid
	return true
}

func (s *Server) leave(c *net.UnixConn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.clients, c)
}
