package netns

import (
	"encoding/binary"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"time"
)

// The bounds of asking others: name servers that are tried, how long each may take, and the largest answer by TCP.
const (
	maxResolvers = 3 // as resolv.conf(5) has it, MAXNS
	askTime      = 2 * time.Second
	maxAnswer    = 65535
)

// resolver asks the Host's name servers what the network does not know.
type resolver struct {
	host Host
	path string       // of the Host's resolv.conf
	own  []netip.Addr // the network's own servers, which are not asked
}

// ask puts a query to the Host's name servers, one after the other, and returns the first answer; nil where there is
// none. Each time from a new port with a new id: what an answer must match cannot be guessed.
func (r *resolver) ask(q []byte, stream bool) []byte {
	text, err := os.ReadFile(r.path)
	if err != nil {
		return nil
	}
	for _, server := range resolvers(string(text), r.own) {
		if answer := r.askOne(server, q, stream); answer != nil {
			return answer
		}
	}
	return nil
}

// resolvers are the name servers of a resolv.conf.
func resolvers(text string, without []netip.Addr) []netip.AddrPort {
	var all []netip.AddrPort
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		a, err := netip.ParseAddr(at(words, 1))
		if at(words, 0) == "nameserver" && err == nil && !slices.Contains(without, a) && len(all) < maxResolvers {
			all = append(all, netip.AddrPortFrom(a, 53))
		}
	}
	return all
}

func (r *resolver) askOne(server netip.AddrPort, q []byte, stream bool) []byte {
	network := "udp"
	if stream {
		network = "tcp"
	}
	var c net.Conn
	err := r.host.inside(func() (err error) {
		c, err = net.DialTimeout(network, server.String(), askTime)
		return err
	})
	if err != nil {
		return nil
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(askTime))
	id := uint16(rand.Uint32())
	sent := slices.Clone(q)
	binary.BigEndian.PutUint16(sent, id)
	answer := exchange(c, sent, stream)
	if answer == nil {
		return nil
	}
	copy(answer, q[:2]) // the client's id
	return answer
}

// exchange sends a query and waits for what answers it; what does not is thrown away.
func exchange(c net.Conn, sent []byte, stream bool) []byte {
	if stream {
		if writeMessage(c, sent) != nil {
			return nil
		}
		b, err := readMessage(c, maxAnswer)
		if err != nil || !answers(b, sent) {
			return nil
		}
		return b
	}
	if _, err := c.Write(sent); err != nil {
		return nil
	}
	buf := make([]byte, maxMessage)
	for {
		n, err := c.Read(buf)
		if err != nil {
			return nil
		}
		if answers(buf[:n], sent) {
			return buf[:n]
		}
	}
}

// answers says whether a message is the response to a query: the same id and, where it has one, the same question.
func answers(b, sent []byte) bool {
	if len(b) < 12 || b[0] != sent[0] || b[1] != sent[1] || b[2]&0x80 == 0 {
		return false
	}
	return sameQuestion(b, sent)
}
