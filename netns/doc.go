// Package netns is network namespaces and the networks that join them: bridges, veth pairs, addresses, routes, nat,
// forwarded ports, rules who may talk to whom, shaping and names.
//
// It must not know what a component is: a member of a network is a name, some wishes and the descriptor of a
// namespace. All of it works inside any network namespace, the Host; the zero Host is that of the process.
//
//	Host namespace                                         namespaces of members
//	┌───────────────────────────────────────────┐
//	│ uplink ── routes, nat ── bridge 10.20.0.1 │
//	│                            ├─ ve-1f0c… ───┼── veth pair ── eth0 10.20.0.57  camera
//	│  names: 10.20.0.1 port 53  └─ ve-93be… ───┼── veth pair ── eth0 10.20.0.130 storage
//	└───────────────────────────────────────────┘
//
// What the kernel holds is the truth: every step looks at what is there first, so a process that is started anew goes
// on with the links, addresses and rules that the one before it made. A namespace has no name in a file system; it
// lives as long as somebody holds its descriptor or a process is in it. Those of namespaces(7) and network_namespaces(7)
// belong to the user namespace of the caller, so processes in another user namespace cannot change what is set here.
//
// In a filtered network, one in which rules say who may talk to whom, no packet goes from member to member on the
// bridge: ports are isolated (ip-link(8), "isolated on"), members have a host route to the gateway only, and the
// firewall of the Host sees every packet. That takes no bridge module of nf_tables.
package netns
