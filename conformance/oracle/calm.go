package oracle

import (
	"fmt"
	"path/filepath"
	"strconv"
	"time"
)

// Calm is how long nobody is woken where there is nothing to do.
const Calm = time.Second

// Woken waits so long for a while without a wake-up, and returns how many the last one had.
func (d Daemon) Woken(calm, patience time.Duration) (n int) {
	for end := time.Now().Add(patience); time.Now().Before(end); {
		before := d.Switches()
		time.Sleep(calm)
		if n = d.Switches() - before; n == 0 {
			return 0
		}
	}
	return n
}

// Switches are how often the threads of manager and keeper have gone to sleep so far.
func (d Daemon) Switches() (sum int) {
	for _, n := range d.Sleeps() {
		sum += n
	}
	return sum
}

// Sleeps is how often each thread of manager and keeper has gone to sleep so far.
func (d Daemon) Sleeps() map[int]int {
	all := map[int]int{}
	for _, pid := range []int{d.Manager(), d.Keeper} {
		threads, _ := filepath.Glob(fmt.Sprintf("%s/%d/task/*", d.Proc, pid))
		for _, dir := range threads {
			tid, _ := strconv.Atoi(filepath.Base(dir))
			all[tid], _ = strconv.Atoi(Field(filepath.Dir(dir), tid, "voluntary_ctxt_switches"))
		}
	}
	return all
}
