package conformance

import (
	"encoding/json"
	"slices"

	"github.com/orderly-init/orderly/conformance/launch"
	"github.com/orderly-init/orderly/conformance/oracle"
	"github.com/orderly-init/orderly/control"
)

// caughtUp waits until all events that there are now have been read.
func (w *world) caughtUp() {
	w.Helper()
	newest := uint64(0)
	err := w.client.Stream("Events", control.EventsParam{}, func(b json.RawMessage, last bool) error {
		var reply control.EventsReply
		err := json.Unmarshal(b, &reply)
		if !last {
			newest = reply.Event.Seq
		}
		return err
	})
	w.must(err)
	w.await("all events", func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		return len(w.events) > 0 && w.events[len(w.events)-1].Seq >= newest
	})
}

// chronicle checks that event stream, log and status tell one story, and a possible one.
func (w *world) chronicle(s *scenario) {
	w.Helper()
	w.caughtUp()
	w.mu.Lock()
	events := slices.Clone(w.events)
	w.mu.Unlock()
	for _, what := range oracle.Story(events, w.status()) {
		w.Error(what)
	}
	if !s.lossy {
		w.logged(events)
	}
}

// removed says whether a component may have been removed meanwhile.
func (w *world) removed(component string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.ContainsFunc(w.events, func(e control.Event) bool { return e.Component == component && oracle.Anew(e) })
}

// logged checks that Orderly's own log has the same changes in the same order.
func (w *world) logged(events []control.Event) {
	missing := ""
	if !launch.Soon(func() bool {
		missing = oracle.Unlogged(events, w.ownLog())
		return missing == ""
	}) {
		w.Errorf("the log does not have, in this order: %s", missing)
	}
}
