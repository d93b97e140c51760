package conformance

import (
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/orderly-init/orderly/control"
)

// times are scenarios about who is late.
func times() []scenario {
	return []scenario{
		{id: "J98", story: "5000 components, of which an apply changes every one: all the while the manager's loop goes round often enough for any watchdog", play: longApply,
			places: []place{foreground}, alone: true, loaded: true, config: one + fiveThousand()},
	}
}

// leastOften is how often the loop has to go round: a second is the shortest time-out that a watchdog has, and it is fed three times in it.
const leastOften = time.Second / 3

func fiveThousand() string {
	return strings.ReplaceAll(many(5000), `recovery = { attempts = 0, then = "stop" }`, `stop_timeout = "10s"`)
}

func longApply(w *world) {
	w.reach("all")
	text := w.read("conf/o.toml")
	var over atomic.Bool
	worst := make(chan time.Duration)
	go func() { worst <- w.latest(&over) }()
	for round := range 3 {
		w.write("conf/o.toml", strings.ReplaceAll(text, `stop_timeout = "10s"`, fmt.Sprintf(`stop_timeout = "%ds"`, round+20)))
		if out, code := w.orderly("apply"); code != 0 {
			w.Errorf("apply: %s", out)
		}
	}
	over.Store(true)
	if late := <-worst; late == 0 || late > leastOften {
		w.Errorf("the loop took up to %v to go round", late)
	}
}

// latest is the longest that an answer took until it is over.
func (w *world) latest(over *atomic.Bool) (worst time.Duration) {
	c, err := control.Dial(w.socket)
	if err != nil {
		w.Error(err)
		return 0
	}
	defer c.Close()
	for !over.Load() {
		took, err := w.answer(c, "a")
		if err != nil {
			w.Error(err)
			return 0
		}
		worst = max(worst, took)
	}
	return worst
}
