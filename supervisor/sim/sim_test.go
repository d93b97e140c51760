package sim

import (
	"bytes"
	"flag"
	"sync"
	"sync/atomic"
	"testing"
)

var (
	oneSeed = flag.Uint64("seed", 0, "play this seed and print its story")
	seeds   = flag.Int("seeds", 2000, "play so many seeds")
	from    = flag.Uint64("from", 1, "the first of them")
	workers = flag.Int("workers", 2, "so many at once")
)

func play1(t *testing.T, seed uint64) {
	t.Helper()
	if story, err := Run(seed); err != nil {
		t.Errorf("%s\n%v\nagain: go test ./supervisor/sim -run 'TestSeed$' -seed=%d", story, err, seed)
	}
}

// TestSeed plays one seed and prints its story.
func TestSeed(t *testing.T) {
	t.Parallel()
	if *oneSeed == 0 {
		t.Skip("no -seed=N")
	}
	story, err := Run(*oneSeed)
	t.Logf("\n%s", story)
	if err != nil {
		t.Error(err)
	}
}

// TestSeeds plays many seeds and stops soon after one has failed.
func TestSeeds(t *testing.T) {
	t.Parallel()
	var next atomic.Uint64
	var all sync.WaitGroup
	for range *workers {
		all.Go(func() {
			for !t.Failed() {
				n := next.Add(1) - 1
				if n >= uint64(*seeds) {
					return
				}
				play1(t, *from+n)
			}
		})
	}
	all.Wait()
}

// TestSameSeedSameStory plays seeds twice.
func TestSameSeedSameStory(t *testing.T) {
	t.Parallel()
	for seed := range uint64(100) {
		a, _ := once(seed+1, options{})
		b, _ := once(seed+1, options{})
		if !bytes.Equal(a, b) {
			t.Errorf("seed %d has two stories", seed+1)
		}
	}
}
