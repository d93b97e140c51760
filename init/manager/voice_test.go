package manager

import (
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/targets"
)

// TestVoiceCountsWhatItDrops: nobody reads for 2000 lines; then those that are there and those that are told to be lost are all, and the
// newest are there.
func TestVoiceCountsWhatItDrops(t *testing.T) {
	t.Parallel()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := unix.FcntlInt(w.Fd(), unix.F_SETPIPE_SZ, 4096); err != nil {
		t.Fatal(err)
	}
	v := newVoice(int(w.Fd()))
	const all = 2000
	for i := range all {
		v.line(targets.Info, "a", fmt.Sprint("line ", i))
	}
	said := make(chan string)
	go func() {
		var b strings.Builder
		buf := make([]byte, 4096)
		for {
			n, err := r.Read(buf)
			if b.Write(buf[:n]); err != nil {
				said <- b.String()
				return
			}
		}
	}()
	v.close()
	w.Close()
	text := <-said
	lines := len(regexp.MustCompile(`(?m)a: line \d+$`).FindAllString(text, -1))
	lost := 0
	for _, m := range regexp.MustCompile(`orderly: (\d+) lines dropped`).FindAllStringSubmatch(text, -1) {
		n, _ := strconv.Atoi(m[1])
		lost += n
	}
	if lost == 0 || lines+lost != all {
		t.Errorf("%d lines are there and %d are told to be lost, of %d", lines, lost, all)
	}
	if !strings.HasSuffix(text, fmt.Sprintf("a: line %d\n", all-1)) {
		t.Errorf("the last line is lost:\n%s", text)
	}
}
