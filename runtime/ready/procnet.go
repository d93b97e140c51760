package ready

import (
	"bufio"
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
)

// procInet looks through /proc/net/tcp and the like (proc(5)), in whatever directory those of a network are: slow, but there on every kernel.
func procInet(dir, network string, want netip.AddrPort) (bool, error) {
	found := false
	for _, file := range []string{network, network + "6"} {
		err := eachLine(filepath.Join(dir, file), func(fields []string) {
			if len(fields) < 4 || network == "tcp" && fields[3] != "0A" {
				return
			}
			if got, ok := parseProcAddr(fields[1]); ok && reaches(got, want) {
				found = true
			}
		})
		if err != nil && !os.IsNotExist(err) {
			return false, err
		}
	}
	return found, nil
}

// reaches reports whether a packet to want reaches a socket bound to got.
func reaches(got, want netip.AddrPort) bool {
	if got.Port() != want.Port() {
		return false
	}
	a, w := got.Addr().Unmap(), want.Addr().Unmap()
	return a == w || a.IsUnspecified() && (a.Is6() || w.Is4())
}

// parseProcAddr reads ADDRESS:PORT in the hexadecimal of /proc/net: 32-bit words in the byte order of the machine.
func parseProcAddr(s string) (netip.AddrPort, bool) {
	host, port, ok := strings.Cut(s, ":")
	b, err1 := hex.DecodeString(host)
	p, err2 := hex.DecodeString(port)
	if !ok || err1 != nil || err2 != nil || len(p) != 2 || len(b)%4 != 0 {
		return netip.AddrPort{}, false
	}
	for i := 0; i < len(b); i += 4 {
		binary.NativeEndian.PutUint32(b[i:], binary.BigEndian.Uint32(b[i:]))
	}
	addr, ok := netip.AddrFromSlice(b)
	return netip.AddrPortFrom(addr, binary.BigEndian.Uint16(p)), ok
}

// acceptsConnections is __SO_ACCEPTCON in the flags of /proc/net/unix.
const acceptsConnections = "00010000"

func procUnix(dir, address string) (bool, error) {
	found := false
	err := eachLine(filepath.Join(dir, "unix"), func(fields []string) {
		// Num RefCount Protocol Flags Type St Inode Path; type 1 is stream, 2 datagram, 5 seqpacket
		if len(fields) >= 8 && fields[7] == address && (fields[4] == "0002" || fields[3] == acceptsConnections) {
			found = true
		}
	})
	return found, err
}

func eachLine(path string, f func(fields []string)) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	in := bufio.NewScanner(file)
	in.Scan() // the head
	for in.Scan() {
		f(strings.Fields(in.Text()))
	}
	return in.Err()
}
