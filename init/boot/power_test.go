package boot

import (
	"encoding/binary"
	"testing"
)

func event(kind, code uint16, value int32) []byte {
	b := make([]byte, inputEvent)
	e := b[inputEvent-8:]
	binary.NativeEndian.PutUint16(e, kind)
	binary.NativeEndian.PutUint16(e[2:], code)
	binary.NativeEndian.PutUint32(e[4:], uint32(value))
	return b
}

func TestPressedIn(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		events []byte
		want   bool
	}{
		"nothing":          {nil, false},
		"down":             {event(evKey, keyPower, 1), true},
		"up":               {event(evKey, keyPower, 0), false},
		"repeat":           {event(evKey, keyPower, 2), false},
		"another key":      {event(evKey, 30, 1), false},
		"another kind":     {event(2, keyPower, 1), false},
		"behind another":   {append(event(evKey, 30, 1), event(evKey, keyPower, 1)...), true},
		"cut in its midst": {event(evKey, keyPower, 1)[:inputEvent-1], false},
	} {
		if got := pressedIn(row.events); got != row.want {
			t.Errorf("%s: %v; want %v", name, got, row.want)
		}
	}
}
