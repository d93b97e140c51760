package targets

import (
	"strconv"
	"strings"
)

// Bandwidth is the bandwidth table: bits per second, 0 is no limit.
type Bandwidth struct {
	Egress  int64 // what a container may send
	Ingress int64 // what it may be sent
}

// The bounds of a rate: below a packet takes too long, above the kernel's arithmetic is not sure.
const (
	minRate = 8_000
	maxRate = 100_000_000_000
)

func bandwidthFields() []field[Bandwidth] {
	return []field[Bandwidth]{
		{"egress", func(v value, b *Bandwidth) { parsed(v, &b.Egress, parseRate) }},
		{"ingress", func(v value, b *Bandwidth) { parsed(v, &b.Ingress, parseRate) }},
	}
}

// parseRate reads bits per second with a unit, such as "10Mbit".
func parseRate(text string) (n int64, what, hint string) {
	const form = `write a number with bit, kbit, Mbit or Gbit, such as "10Mbit"`
	digits := strings.TrimRight(text, "bitkMG")
	scales := map[string]int64{"bit": 1, "kbit": 1e3, "Mbit": 1e6, "Gbit": 1e9}
	scale := scales[text[len(digits):]]
	n, err := strconv.ParseInt(digits, 10, 64)
	switch {
	case scale == 0 || err != nil || n < 0:
		return 0, strconv.Quote(text) + " is not a rate", form
	case n > maxRate/scale || n*scale < minRate:
		return 0, strconv.Quote(text) + " is out of range", "8kbit to 100Gbit"
	}
	return n * scale, "", ""
}
