package ready

import (
	"encoding/binary"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// netlinkMessage is one answer of the kernel: its header and body (netlink(7)).
func netlinkMessage(kind uint16, seq uint32, body string) []byte {
	b := binary.NativeEndian.AppendUint32(nil, uint32(unix.SizeofNlMsghdr+len(body)))
	b = binary.NativeEndian.AppendUint16(b, kind)
	b = binary.NativeEndian.AppendUint16(b, 0)
	b = binary.NativeEndian.AppendUint32(b, seq)
	b = append(binary.NativeEndian.AppendUint32(b, 0), body...)
	return append(b, make([]byte, (4-len(b)%4)%4)...)
}

// unixSocket is a struct unix_diag_msg of a listening socket with one attribute.
func unixSocket(kind uint16, value string) string {
	b := make([]byte, 16)
	b[0], b[1], b[2] = unix.AF_UNIX, unix.SOCK_STREAM, tcpListen
	b = binary.NativeEndian.AppendUint16(b, uint16(4+len(value)))
	b = binary.NativeEndian.AppendUint16(b, kind)
	return string(b) + value
}

func TestAnswersAreTakenApart(t *testing.T) {
	t.Parallel()
	found := 0
	look := func(b []byte) {
		if matches(b, "@here", nil) {
			found++
		}
	}
	here, late := unixSocket(attrName, "\x00here"), unixSocket(attrName, "\x00here")
	dump := append(netlinkMessage(sockDiagByFamily, 7, here), netlinkMessage(sockDiagByFamily, 6, late)...)
	if more, err := split(dump, 7, true, look); !more || err != nil || found != 1 {
		t.Errorf("%d found, more %v, %v", found, more, err)
	}
	if more, err := split(netlinkMessage(unix.NLMSG_DONE, 7, ""), 7, true, look); more || err != nil {
		t.Errorf("at the end more %v, %v", more, err)
	}
	refusal := string(binary.NativeEndian.AppendUint32(nil, uint32(0xffffffff-uint32(unix.ENOENT)+1)))
	if _, err := split(netlinkMessage(unix.NLMSG_ERROR, 7, refusal), 7, true, look); err == nil {
		t.Error("a refusal is no error")
	}
	if _, err := split(dump[:20], 7, true, look); err == nil {
		t.Error("what is cut short is no error")
	}
}

// FuzzAnswers: what comes from a netlink socket is taken apart to its end, and nothing beyond it is read.
func FuzzAnswers(f *testing.F) {
	f.Add(netlinkMessage(sockDiagByFamily, 7, unixSocket(attrName, "\x00here")))
	f.Add(netlinkMessage(sockDiagByFamily, 7, unixSocket(attrVFS, "\x01\x00\x00\x00\x01\x00\x00\x00")))
	f.Add(netlinkMessage(unix.NLMSG_ERROR, 7, "\xfe\xff\xff\xff"))
	f.Add(append(netlinkMessage(unix.NLMSG_DONE, 6, ""), 16, 0, 0, 0))
	f.Fuzz(func(t *testing.T, b []byte) {
		total := 0
		more, err := split(b, 7, true, func(body []byte) {
			total += unix.SizeofNlMsghdr + len(body)
			matches(body, "@here", nil)
			matches(body, "/run/here", &unix.Stat_t{Ino: 1, Dev: 1})
		})
		if total > len(b) || more && err != nil {
			t.Errorf("%d bytes of %d, more %v, %v", total, len(b), more, err)
		}
	})
}

// FuzzProcNet: an address of /proc/net is read or refused, and what is read reaches itself.
func FuzzProcNet(f *testing.F) {
	for _, text := range []string{"0100007F:1F90", "00000000000000000000000001000000:0050", "00:1", ":", "0100007F:0", strings.Repeat("0", 64) + ":0050"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		a, ok := parseProcAddr(text)
		if ok != a.IsValid() {
			t.Fatalf("%q: %v %v", text, a, ok)
		}
		if ok && !reaches(a, a) {
			t.Errorf("%q: %v does not reach itself", text, a)
		}
	})
}
