package targets

import "time"

// Via is the way on which a component beats.
type Via uint8

// The ways. The zero value is a component that does not beat.
const (
	ViaNothing Via = iota
	ViaFD          // bytes on the pipe ORDERLY_HEARTBEAT_FD
	ViaNotify      // WATCHDOG=1 on NOTIFY_SOCKET
)

// Heartbeat is the [component.NAME.heartbeat] table: how often a component has to say that it works.
type Heartbeat struct {
	Via       Via
	Window    time.Duration // in which beats are counted, one after the other
	Min       int           // beats in a window
	Max       int           // 0 is no upper bound
	Tolerance int           // failed windows in a row that are borne
}

// Bounds of a heartbeat.
const (
	minWindow    = 10 * time.Millisecond
	maxBeats     = 10000 // in a window: fewer than a pipe holds, 65536 (pipe(7))
	maxTolerance = 100
)

func heartbeatFields() []field[Heartbeat] {
	return []field[Heartbeat]{
		{"via", func(v value, h *Heartbeat) {
			choose(v, &h.Via, option[Via]{"fd", ViaFD}, option[Via]{"notify", ViaNotify})
		}},
		{"window", func(v value, h *Heartbeat) { v.duration(&h.Window, minWindow) }},
		{"min", func(v value, h *Heartbeat) { v.number(&h.Min, 0, maxBeats) }},
		{"max", func(v value, h *Heartbeat) { v.number(&h.Max, 0, maxBeats) }},
		{"tolerance", func(v value, h *Heartbeat) { v.number(&h.Tolerance, 0, maxTolerance) }},
	}
}

// checkHeartbeat holds the keys of a heartbeat against each other and against the component.
func (v value) checkHeartbeat(c *Component, written any) {
	h, path := &c.Heartbeat, v.path()+".heartbeat"
	own, isTable := written.(map[string]any)
	there := written != nil || h.Via != ViaNothing
	switch {
	case c.Ready.When == Beating && !there:
		v.l.fault(v.path()+".ready.when", atValue, "there is no heartbeat", `add [component.NAME.heartbeat] with via and window`)
	case !there || written != nil && !isTable:
	case c.Kind == Oneshot && written == nil: // of the defaults or a template, which are for daemons too
		*h = Heartbeat{}
	case c.Kind == Oneshot:
		v.l.fault(path, atKey, "a oneshot is ready when it has ended, and beats no more", "")
	case h.Via == ViaNothing && own["via"] == nil:
		v.l.fault(path, atKey, "has no via", `add via = "fd" or via = "notify"`)
	case h.Window == 0 && own["window"] == nil:
		v.l.fault(path, atKey, "has no window", `add window = "1s"`)
	case h.Min == 0 && h.Max == 0:
		v.l.fault(path+".min", atValue, "0 beats and no max asks for nothing", "write min = 1")
	case h.Max != 0 && h.Max < h.Min:
		v.l.fault(path+".max", atValue, "is less than min", "")
	}
}

// heartbeat covers what the child is given: a pipe, or the variables of sd_watchdog_enabled(3).
func (d *digest) heartbeat(h *Heartbeat) {
	d.number(int64(h.Via))
	if h.Via == ViaNotify {
		d.number(int64(h.Interval()))
	}
}

// Interval is how long a component may be silent: its window, shared by the beats that are asked for.
func (h *Heartbeat) Interval() time.Duration { return h.Window / time.Duration(max(h.Min, 1)) }
