package netns

import (
	"testing"
	"time"
)

// TestPace: as many as may be in one while are not held up, those beyond wait for the next.
func TestPace(t *testing.T) {
	t.Parallel()
	var p pace
	now := time.Unix(1000, 0)
	for range paceMost {
		if d := p.next(now); d != 0 {
			t.Fatalf("waits %v", d)
		}
	}
	if d := p.next(now.Add(30 * time.Millisecond)); d != 70*time.Millisecond {
		t.Errorf("one too many waits %v", d)
	}
	if d := p.next(now.Add(paceWhile)); d != 0 {
		t.Errorf("in the next while it waits %v", d)
	}
}
