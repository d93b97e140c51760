package supervisor

import mathbits "math/bits"

// bits is a set of positions. The lowest leaves first, so that dependencies come before their dependents.
type bits struct {
	words []uint64
	low   int // no word below is set
}

func newBits(n int) bits { return bits{words: make([]uint64, (n+63)/64)} }

func (b *bits) add(i int) {
	w := i / 64
	b.words[w] |= 1 << (i % 64)
	b.low = min(b.low, w)
}

// take removes and returns the lowest.
func (b *bits) take() (int, bool) {
	for ; b.low < len(b.words); b.low++ {
		word := b.words[b.low]
		if word == 0 {
			continue
		}
		i := mathbits.TrailingZeros64(word)
		b.words[b.low] = word &^ (1 << i)
		return b.low*64 + i, true
	}
	return 0, false
}
