package sim

import (
	"bytes"
	"flag"
	"strconv"
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

// TestKnown plays the seeds that have broken a rule once, with what was wrong.
func TestKnown(t *testing.T) {
	t.Parallel()
	for seed, story := range map[uint64]string{
		3:       "the mark of one that is ready already was not stored",
		8:       "one that was wanted before any target was active had no reason",
		36:      "that a component called itself degraded was not stored",
		238:     "fallback was shown for a target that was none any more",
		549:     "who waited for a component was not told that its dependency was stopped by hand",
		1342:    "a component named twice was reloaded twice",
		1877:    "one in conflict with a wanted one held the transition open",
		2128:    "the fallback was tried again although it had got there",
		4965:    "a leaver without a name came back with every manager",
		27433:   "the last resort was repeated though all was well",
		35427:   "the tries of the fallback began afresh in one episode",
		670200:  "one whose definition had changed went on by the old one after a stop by hand that came to nothing",
		13933:   "who was stopping by another definition was not told of the main process that its pid file named",
		667881:  "the judge took no condition any more for another fact than no condition yet",
		618661:  "what was sent before readiness was counted as too fast by another manager",
		36529:   "a pending try of the fallback cut in after it had been left",
		2116682: "the end of the last process was not noted where it was not the main one",
		889261:  "a reload that was called off had no reason when another component's ended",
		1223319: "a stop by hand that was taken back while it still waited was not stored",
	} {
		if !t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) { play1(t, seed) }) {
			t.Log(story)
		}
	}
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
