package runtime

import (
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func ignore(sig ...os.Signal) { signal.Ignore(sig...) }

// BenchmarkStart is one start after another, by the flavour and the number of
// descriptors that the manager has besides.
func BenchmarkStart(b *testing.B) {
	needs(b, "/bin/true")
	for _, f := range []Flavour{Nested, Cow} {
		for _, extra := range []int{0, 1000} {
			b.Run(fmt.Sprintf("%v/%d", f, extra), func(b *testing.B) {
				r := tree(b, "bench", f, fmt.Sprint(b.N, " ", extra))
				ns, err := strconv.ParseFloat(strings.TrimSpace(r.Out), 64)
				if err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(ns/float64(b.N), "ns/start")
			})
		}
	}
}

func bench(m *manager) error {
	var n, extra int
	if _, err := fmt.Sscan(m.arg, &n, &extra); err != nil {
		return err
	}
	for range extra {
		if _, err := unix.FcntlInt(wakeFD, unix.F_DUPFD_CLOEXEC, 64); err != nil {
			return err
		}
	}
	p, err := Prepare(m.host, Spec{Path: "/bin/true"})
	if err != nil {
		return err
	}
	begin := time.Now()
	for range n {
		if err := Start(p, &m.slots[0], wakeFD); err != nil {
			return err
		}
		if err := m.await(0); err != nil {
			return err
		}
	}
	fmt.Println(time.Since(begin).Nanoseconds())
	return Failure(p.Steps(), &m.slots[0])
}

// BenchmarkLoad is what a start costs before its clone.
func BenchmarkLoad(b *testing.B) {
	h := Probe()
	s := Spec{Path: "/bin/true", Env: []string{"PATH=/bin", "A=1"}, Cgroup: 5, Files: []File{{1, 7}, {2, 8}},
		Credential: &Credential{UID: 1, GID: 1}}
	p := new(Program)
	b.ReportAllocs()
	for b.Loop() {
		if err := p.Load(h, s); err != nil {
			b.Fatal(err)
		}
	}
	if err := p.Free(); err != nil {
		b.Fatal(err)
	}
}
