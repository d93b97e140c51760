package control

import (
	"context"
	"encoding/json"
	"strings"
)

// session is one connection being served.
type session struct {
	server *Server
	conn   *conn
	peer   Peer
	denied int
}

// serve answers one message; an error ends the connection.
func (s *session) serve(ctx context.Context, b []byte) error {
	var c call
	if err := json.Unmarshal(b, &c); err != nil || c.Method == "" {
		return &Error{Name: "malformed message"}
	}
	result, err := s.dispatch(ctx, &c)
	if c.Oneway {
		return nil
	}
	if err != nil {
		return s.fail(err)
	}
	return s.reply(result, false)
}

func (s *session) dispatch(ctx context.Context, c *call) (any, error) {
	i := strings.LastIndexByte(c.Method, '.')
	if i < 0 {
		return nil, varlinkError("InterfaceNotFound", "interface", c.Method)
	}
	switch iface, name := c.Method[:i], c.Method[i+1:]; iface {
	case "org.varlink.service":
		return s.service(name, c.Parameters)
	case Interface:
		return s.call(ctx, name, c)
	default:
		return nil, varlinkError("InterfaceNotFound", "interface", iface)
	}
}

// call finds the method and asks whether the peer may.
func (s *session) call(ctx context.Context, name string, c *call) (any, error) {
	m, ok := s.server.Methods[name]
	if !ok {
		return nil, varlinkError("MethodNotFound", "method", name)
	}
	if !s.server.Allow(s.peer, m.Access) {
		if s.denied++; s.denied <= denialsLogged {
			s.server.Audit(s.peer, name)
		}
		return nil, Denied("%s: user %d may not", name, s.peer.UID)
	}
	in := Call{Peer: s.peer, MayChange: s.server.Allow(s.peer, Alter), More: c.More, Parameters: c.Parameters}
	in.Send = func(v any) error { return s.reply(v, true) }
	return m.Serve(ctx, in)
}

// service is the interface that every varlink service has.
func (s *session) service(name string, params json.RawMessage) (any, error) {
	switch name {
	case "GetInfo":
		info := s.server.Info
		info.Interfaces = []string{"org.varlink.service", Interface}
		return info, nil
	case "GetInterfaceDescription":
		var p struct {
			Interface string `json:"interface"`
		}
		json.Unmarshal(params, &p)
		switch p.Interface {
		case Interface:
			return map[string]string{"description": Definition}, nil
		case "org.varlink.service":
			return map[string]string{"description": serviceDefinition}, nil
		}
		return nil, varlinkError("InterfaceNotFound", "interface", p.Interface)
	}
	return nil, varlinkError("MethodNotFound", "method", name)
}

func varlinkError(name, key, value string) error {
	return &Error{"org.varlink.service." + name, map[string]string{key: value}}
}

func (s *session) reply(v any, continues bool) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return s.conn.write(reply{Parameters: b, Continues: continues}, replyLimit)
}

func (s *session) fail(err error) error {
	e, ok := err.(*Error)
	if !ok {
		e = Failed("%v", err).(*Error)
	}
	b, err := json.Marshal(e.Parameters)
	if err != nil {
		return err
	}
	return s.conn.write(reply{Error: e.Name, Parameters: b}, replyLimit)
}

// serviceDefinition is the definition of org.varlink.service as the varlink specification gives it.
const serviceDefinition = `# The Varlink Service Interface is provided by every varlink service.
interface org.varlink.service

method GetInfo() -> (vendor: string, product: string, version: string, url: string, interfaces: []string)

method GetInterfaceDescription(interface: string) -> (description: string)

error InterfaceNotFound (interface: string)

error MethodNotFound (method: string)

error MethodNotImplemented (method: string)

error InvalidParameter (parameter: string)

error PermissionDenied ()

error ExpectedMore ()
`
