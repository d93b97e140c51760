package sim

import (
	"math/rand/v2"
	"time"
)

// dice is one stream of chance. What it is thrown for is part of its seed, so that streams do not depend on each other.
type dice struct{ r *rand.Rand }

func throw(seed uint64, words ...any) dice {
	h := uint64(14695981039346656037)
	eat := func(b byte) { h = (h ^ uint64(b)) * 1099511628211 }
	for _, word := range words {
		switch w := word.(type) {
		case string:
			for i := range len(w) {
				eat(w[i])
			}
		case int:
			for i := range 4 {
				eat(byte(w >> (8 * i)))
			}
		}
		eat(0xff)
	}
	return dice{rand.New(rand.NewPCG(seed, h))}
}

// chance is true in so many of a hundred cases.
func (d dice) chance(percent int) bool { return d.r.IntN(100) < percent }

func (d dice) below(n int) int { return d.r.IntN(n) }

// span is a time between two, in whole milliseconds; short ones are as likely as long ones.
func (d dice) span(from, to time.Duration) time.Duration {
	if d.chance(50) {
		to = from + (to-from)/16
	}
	ms := (to - from).Milliseconds()
	return from + time.Duration(d.r.Int64N(ms+1))*time.Millisecond
}

// one picks one of several.
func one[T any](d dice, of ...T) T { return of[d.below(len(of))] }
