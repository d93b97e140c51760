// Package control is the control interface: what a state manager in any language, and the tool itself, can ask.
//
// It owns the interface definition, the types that travel, the varlink server and client, and who may do what. It
// must not know the inside of the daemon: it is given a function per method.
//
//	client ── {"method": "org.orderly.Control.Activate", "parameters": {…}, "more": true} NUL ──► server
//	       ◄─ {"parameters": {"progress": …}, "continues": true} NUL ───────────────────────────
//	       ◄─ {"parameters": {"result": …}} NUL  or  {"error": "org.orderly.Control.Refused", …} ─
//
// The protocol is varlink (https://varlink.org): JSON messages ended by NUL over a unix socket, with
// introspection; varlinkctl(1) speaks it as it is. Who asks is known from the socket (SO_PEERCRED and
// SO_PEERGROUPS, unix(7)) at the time of connecting. Clients are bounded: how many, how large a message, how long
// half a message or an unread reply may take.
package control
