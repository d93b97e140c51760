package runtime

import (
	"fmt"
	"strconv"

	"golang.org/x/sys/unix"
)

// securebits need CAP_SETPCAP in effect, which the change of the ids took and
// which is perhaps not to be kept: so it is held for this one call. Ambient
// capabilities are raised by now, one of the bits forbids that.
func (l *list) securebits() {
	if b := l.spec.Securebits; b != 0 {
		l.do("securebits", fmt.Sprintf("%#x", b), "prctl", unix.SYS_PRCTL, unix.PR_SET_SECUREBITS, uintptr(b), 0, 0, 0)
	}
}

// aslr keeps the personality but for the one flag. The kernel clears it where
// a program raises privileges, personality(2).
func (l *list) aslr() {
	if l.spec.NoASLR {
		l.do("aslr", "off", "personality", unix.SYS_PERSONALITY, l.host.Personality|addrNoRandomize)
	}
}

// domain is the lowest byte of the personality. With aslr it is set twice.
func (l *list) domain() {
	d := uintptr(l.spec.Domain)
	if d == 0 {
		return
	}
	if l.spec.NoASLR {
		d |= addrNoRandomize
	}
	l.do("execution domain", strconv.FormatUint(uint64(l.spec.Domain), 10), "personality", unix.SYS_PERSONALITY, l.host.Personality&^0xff|d)
}

const (
	addrNoRandomize   = 0x0040000
	personalityAsking = 0xffffffff // changes nothing
)

// personality is that of the caller; 0 where it cannot be asked.
func personality() uintptr {
	p, _, e := unix.RawSyscall(unix.SYS_PERSONALITY, personalityAsking, 0, 0)
	if e != 0 {
		return 0
	}
	return p
}
