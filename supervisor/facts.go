package supervisor

import (
	"encoding/binary"
	"slices"
	"time"

	"github.com/orderly-init/orderly/targets"
)

// Flags of a component's record, by bit.
const (
	flagMain uint32 = 1 << iota
	flagGroup
	flagKilled
	flagStuck
	flagFailing
	flagStarted
	flagStopped
	flagHeld
	flagAlong
	flagCycle
	flagRedefined
	flagFailedOnce
	flagLeaver
	flagExited
	flagCore
	flagDegraded
	flagRequested
	flagRaised
	flagWanted
	flagEssential
	flagLanded
	flagExcused
	flagAborting
	flagNamed
	flagSaid
	flagDrains
)

// Flags of what is done by hand.
const (
	flagDebug   uint32 = 1 << 29
	flagHold    uint32 = 1 << 30
	flagUnknown uint32 = 1 << 31
)

// Flags of the test of start conditions.
const (
	flagAsking  uint32 = 1 << 26
	flagSkipped uint32 = 1 << 27
	flagCounts  uint32 = 1 << 28 // for the watchdog
)

// Places in a record's data, after kind, run and name.
const (
	atState    = 1
	atCode     = 2
	atExponent = 3
	atFlags    = 16
	atRestarts = 20
	atDue      = 24
	atStart    = 32
	atReady    = 40
	atSince    = 48
	atExitSeq  = 56
	atExit     = 64 // code, signal
	atCommand  = 66
	atFailures = 67                                   // how many
	atNewest   = 68                                   // failure, ms since boot
	atDeltas   = 76                                   // 31 of 3 bytes, ms back from the next newer one
	atHeld     = atDeltas + 3*(targets.MaxAttempts-1) // start conditions, a bit each
	atPulse    = atHeld + 2                           // µs since boot in 7 bytes, failed windows in one
	atText     = atPulse + 8
	textSize   = dataSize - atText - 1
)

// flags pairs each stored bool with its bit.
func (u *unit) flags(each func(bit uint32, on *bool)) {
	each(flagMain, &u.main)
	each(flagGroup, &u.group)
	each(flagKilled, &u.killed)
	each(flagStuck, &u.stuck)
	each(flagFailing, &u.failing)
	each(flagStarted, &u.started)
	each(flagStopped, &u.stopped)
	each(flagHeld, &u.held)
	each(flagAlong, &u.along)
	each(flagCycle, &u.cycle)
	each(flagRedefined, &u.redefined)
	each(flagFailedOnce, &u.failedOnce)
	each(flagLeaver, &u.leaver)
	each(flagExited, &u.exited)
	each(flagCore, &u.exit.Core)
	each(flagDegraded, &u.degraded)
	each(flagRequested, &u.requested)
	each(flagWanted, &u.wanted)
	each(flagEssential, &u.essential)
	each(flagLanded, &u.landed)
	each(flagDebug, &u.debug)
	each(flagHold, &u.hold)
	each(flagUnknown, &u.exit.Unknown)
	each(flagExcused, &u.pulse.excused)
	each(flagAborting, &u.aborting)
	each(flagNamed, &u.named)
	each(flagSaid, &u.said)
	each(flagDrains, &u.drains)
	each(flagAsking, &u.asking.on)
	each(flagSkipped, &u.asking.skipped)
	each(flagCounts, &u.counts)
}

// encodeUnit writes everything that a new manager needs to go on with c.
func (m *Machine) encodeUnit(c int, data []byte) {
	u := &m.units[c]
	putHead(data, ComponentRecord, u.recordName(), u.run)
	data[atState], data[atCode], data[atExponent] = byte(u.state), byte(u.cause.Code), byte(u.exponent)
	var bits uint32
	u.flags(func(bit uint32, on *bool) {
		if *on {
			bits |= bit
		}
	})
	if slices.Contains(m.raised, c) {
		bits |= flagRaised
	}
	binary.LittleEndian.PutUint32(data[atFlags:], bits)
	binary.LittleEndian.PutUint32(data[atRestarts:], u.restarts)
	putTime(data[atDue:], m.due[c])
	putTime(data[atStart:], u.startAt)
	putTime(data[atReady:], u.readyAt)
	putTime(data[atSince:], u.since)
	binary.LittleEndian.PutUint64(data[atExitSeq:], u.exitSeq)
	data[atExit], data[atExit+1], data[atCommand] = byte(u.exit.Code), byte(u.exit.Signal), byte(u.command)
	u.failures.encode(data)
	u.pulse.encode(data[atPulse:])
	binary.LittleEndian.PutUint16(data[atHeld:], u.asking.held)
	text := u.cause.Text
	// A manager that dies before the new configuration is stored goes on by the older one, which does not know who came back.
	if u.leaver || text == "" && slices.Contains(m.back, c) {
		text = u.def.Name
	}
	putText(data[atText:], text)
}

// decodeUnit is the inverse of encodeUnit; it takes anything with a valid checksum, for another version may have
// written it. raised tells whether the component called for the ladder.
func decodeUnit(data []byte) (u unit, due time.Duration, raised bool) {
	bits := binary.LittleEndian.Uint32(data[atFlags:])
	u.flags(func(bit uint32, on *bool) { *on = bits&bit != 0 })
	u.run = binary.LittleEndian.Uint32(data[4:])
	if s := State(data[atState]); s <= Done {
		u.state = s
	}
	u.exponent, u.restarts = int(data[atExponent]), binary.LittleEndian.Uint32(data[atRestarts:])
	u.startAt, u.readyAt, u.since = getTime(data[atStart:]), getTime(data[atReady:]), getTime(data[atSince:])
	u.exitSeq = binary.LittleEndian.Uint64(data[atExitSeq:])
	u.exit.Code, u.exit.Signal = int(data[atExit]), int(data[atExit+1])
	if k := Command(data[atCommand]); k <= ReloadCommand {
		u.command = k
	}
	u.failures.decode(data)
	u.pulse.decode(data[atPulse:])
	u.asking.held = binary.LittleEndian.Uint16(data[atHeld:])
	u.cause.Text = getText(data[atText:])
	if code := Code(data[atCode]); code < codes {
		u.cause.Code = code
	}
	if u.cause.Code == ExitedEarly || u.cause.Code == ExitedLate {
		u.cause.Status = u.exit
	}
	return u, getTime(data[atDue:]), bits&flagRaised != 0
}

// encode keeps the newest failure as it is and every older one by its distance, at most 2^24 ms (4.6 h).
func (h *history) encode(data []byte) {
	data[atFailures] = byte(h.n)
	if h.n == 0 {
		return
	}
	binary.LittleEndian.PutUint64(data[atNewest:], uint64(h.times[h.n-1]))
	for i := h.n - 2; i >= 0; i-- {
		d := min(h.times[i+1]-h.times[i], 1<<24-1)
		at := atDeltas + 3*(h.n-2-i)
		data[at], data[at+1], data[at+2] = byte(d), byte(d>>8), byte(d>>16)
	}
}

func (h *history) decode(data []byte) {
	h.n = min(int(data[atFailures]), len(h.times))
	if h.n == 0 {
		return
	}
	t := int64(binary.LittleEndian.Uint64(data[atNewest:]))
	h.times[h.n-1] = t
	for i := h.n - 2; i >= 0; i-- {
		at := atDeltas + 3*(h.n-2-i)
		t -= int64(data[at]) | int64(data[at+1])<<8 | int64(data[at+2])<<16
		h.times[i] = t
	}
}

func putTime(data []byte, t time.Duration) { binary.LittleEndian.PutUint64(data, uint64(t)) }

// getTime reads a time since boot; one before boot is none.
func getTime(data []byte) time.Duration {
	return max(0, time.Duration(binary.LittleEndian.Uint64(data)))
}

// putText keeps as much of a text as there is room for: its length, then its bytes.
func putText(data []byte, text string) {
	data[0] = byte(copy(data[1:1+textSize], text))
}

func getText(data []byte) string { return string(data[1 : 1+min(int(data[0]), textSize)]) }
