package supervisor

import (
	"encoding/binary"
	"fmt"
	"time"

	"github.com/orderly-init/orderly/targets"
)

// pulse is what is stored of a heartbeat. The zero value is a component that is not supervised.
type pulse struct {
	looked  time.Duration // when beats were last counted, or supervision began
	missed  int           // failed windows in a row
	excused bool          // the next failed window does not count

	seen  bool // count is that of a window
	count int  // lost with a manager
}

// windowEnd is when the window that began at looked ends.
func windowEnd(h *targets.Heartbeat, looked time.Duration) time.Duration {
	least := looked + h.Window - h.Window/8
	return (least + h.Window - 1) / h.Window * h.Window
}

// verdict says what is wrong with so many beats in the time that was watched; "" is nothing. Less than a window is
// asked for less, but for one beat at least, and more may have more.
func verdict(h *targets.Heartbeat, count int, watched time.Duration) string {
	share := float64(watched) / float64(h.Window)
	least := min(h.Min, max(int(float64(h.Min)*share), 1))
	most := h.Max
	if share > 1 {
		most = int(float64(h.Max)*share) + 1
	}
	switch {
	case count < least:
		return fmt.Sprintf("%s, at least %d", beatsText(h, count), h.Min)
	case h.Max > 0 && count > max(most, h.Max):
		return fmt.Sprintf("%s, at most %d", beatsText(h, count), h.Max)
	}
	return ""
}

func beatsText(h *targets.Heartbeat, count int) string {
	if count == 1 {
		return "1 beat in " + h.Window.String()
	}
	return fmt.Sprintf("%d beats in %s", count, h.Window)
}

// text is what was counted last.
func (p *pulse) text(h *targets.Heartbeat) string {
	if !p.seen {
		return ""
	}
	text := beatsText(h, p.count)
	if p.missed > 0 {
		text += fmt.Sprintf(", %d of %d failed windows borne", p.missed, h.Tolerance)
	}
	return text
}

// encode keeps what a new manager needs: microseconds, which 7 bytes hold for 2,000 years.
func (p *pulse) encode(data []byte) {
	binary.LittleEndian.PutUint64(data, uint64(p.looked.Microseconds())<<8|uint64(min(p.missed, 255)))
}

func (p *pulse) decode(data []byte) {
	word := binary.LittleEndian.Uint64(data)
	p.missed = int(word & 0xff)
	const most = uint64(1<<63-1) / uint64(time.Microsecond)
	p.looked = time.Duration(min(word>>8, most)) * time.Microsecond
}

// supervise begins to watch the heartbeat of c, or ends it.
func (m *Machine) supervise(c int, on bool) {
	u := &m.units[c]
	m.beat[c], u.pulse = 0, pulse{}
	if h := &u.def.Heartbeat; on && h.Via != targets.ViaNothing && h.Window > 0 {
		u.pulse.looked = m.now
		m.beat[c] = windowEnd(h, m.now)
	}
	m.table.mark(c)
}

// resumeBeat goes on with the window that a dead manager had begun. Its beats are in the pipe, unless the window has ended and the
// dead manager had counted them; those of a notify socket it had counted in its memory. In the first window of a run there may be
// beats of before it was ready as well, which the dead manager had not thrown away yet.
func (m *Machine) resumeBeat(c int) {
	u := &m.units[c]
	h := &u.def.Heartbeat
	if u.state != Ready || h.Via == targets.ViaNothing || h.Window <= 0 {
		return
	}
	m.beat[c] = windowEnd(h, u.pulse.looked)
	first := u.pulse.looked == u.readyAt.Truncate(time.Microsecond)
	if h.Via == targets.ViaNotify || m.beat[c] <= m.now || first {
		u.pulse.excused = true
	}
}

// BeatDeadline returns when the next window of a heartbeat ends, and false when nothing is supervised. BeatsDue lists the
// components whose window has ended by now: an event Beats with their counts is expected.
func (m *Machine) BeatDeadline() (time.Duration, bool) {
	var next time.Duration
	if m.safe {
		return 0, false
	}
	for _, end := range m.beat {
		next = earlier(next, end)
	}
	return next, next != 0
}

// BeatsDue appends to list the components whose window has ended by now, by number.
func (m *Machine) BeatsDue(now time.Duration, list []int) []int {
	if m.safe {
		return list
	}
	for c, end := range m.beat {
		if end != 0 && end <= now {
			list = append(list, c)
		}
	}
	return list
}

// BeatFails says whether so many beats of a component whose window has ended would be a failed window: the caller then looks
// whether it is frozen.
func (m *Machine) BeatFails(now time.Duration, c, count int) bool {
	u := &m.units[c]
	return m.beat[c] != 0 && verdict(&u.def.Heartbeat, count, now-u.pulse.looked) != ""
}

// counted judges a window that has ended. One that is about to be stopped is left alone.
func (m *Machine) counted(b Beat) {
	c := b.Component
	u, end := &m.units[c], m.beat[c]
	if end == 0 || end > m.now || m.safe {
		return
	}
	h, p := &u.def.Heartbeat, &u.pulse
	watched, late := m.now-p.looked, m.now-end
	p.seen, p.count, p.looked = true, b.Count, m.now
	m.beat[c] = windowEnd(h, m.now)
	m.table.mark(c)
	what := verdict(h, b.Count, watched)
	switch {
	case b.Frozen:
		p.missed, p.excused = 0, true
	case late >= h.Window: // nothing is judged
	case what == "":
		p.missed, p.excused = 0, false
	case p.excused || m.goes(c).has(viewGoes):
		p.excused = false
	case p.missed < h.Tolerance:
		p.missed++
		m.remark(c, Cause{Code: HeartbeatLost, Text: fmt.Sprintf("%s; %d of %d failed windows borne", what, p.missed, h.Tolerance)})
	default:
		m.abort(c, what)
	}
}

// triggered takes the component's own word for it that it does not work any more.
func (m *Machine) triggered(c int) {
	if u := &m.units[c]; (u.state == Ready || u.state == Starting) && !m.goes(c).has(viewGoes) {
		m.abort(c, "asked for by WATCHDOG=trigger")
	}
}

// abort ends a run whose heartbeat is lost: with the abort signal, then as a failure.
func (m *Machine) abort(c int, what string) {
	m.units[c].aborting = true
	m.failed(c, Cause{Code: HeartbeatLost, Text: what})
}

// stopSignal is what asks the main process to end; what it leaves behind gets the stop signal.
func (u *unit) stopSignal() int {
	if u.aborting && u.main && u.def.AbortSignal != 0 {
		return u.def.AbortSignal
	}
	return u.def.StopSignal
}

// LastBeats is what was counted in the last window of a component, and false where there was none.
func (m *Machine) LastBeats(c int) (int, bool) {
	p := &m.units[c].pulse
	return p.count, p.seen
}
