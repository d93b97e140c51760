package supervisor

import (
	"fmt"
	"testing"
	"time"

	"github.com/orderly-init/orderly/targets"
)

// boot brings a machine up as far as it goes, answering each launch at once, and returns how many launches there were.
func boot(m *Machine, target int) int {
	launches := 0
	queue := []Event{Activate{Target: target}}
	for len(queue) > 0 {
		ev := queue[0]
		queue = queue[1:]
		for _, e := range m.Step(time.Second, ev) {
			if l, ok := e.(Launch); ok {
				launches++
				queue = append(queue, Launched{Component: l.Component, Run: l.Run}, BecameReady{Component: l.Component, Run: l.Run})
			}
		}
	}
	return launches
}

func end(m *Machine) {
	queue := []Event{Shutdown{End: Poweroff}}
	for len(queue) > 0 {
		ev := queue[0]
		queue = queue[1:]
		for _, e := range m.Step(time.Second, ev) {
			if s, ok := e.(Signal); ok {
				queue = append(queue, Exited{Component: s.Component, Run: s.Run, Empty: true})
			}
		}
	}
}

// independent is n components without edges; chain is n that each need the one before; hub is n that need one.
func independent(n int) *targets.Graph { return line(n, func(int) []string { return nil }) }

func chain(n int) *targets.Graph {
	return line(n, func(i int) []string {
		if i == 0 {
			return nil
		}
		return []string{fmt.Sprintf("c%05d", i-1)}
	})
}

func hub(n int) *targets.Graph {
	return line(n, func(i int) []string {
		if i == 0 {
			return nil
		}
		return []string{"c00000"}
	})
}

func line(n int, needs func(i int) []string) *targets.Graph {
	config := targets.Config{Targets: []targets.Target{{Name: "ALL"}}}
	for i := range n {
		c := component(fmt.Sprintf("c%05d", i))
		c.DependsOn = needs(i)
		config.Components = append(config.Components, c)
		config.Targets[0].DependsOn = append(config.Targets[0].DependsOn, c.Name)
	}
	return targets.NewGraph(sorted(config))
}

func BenchmarkBootAndEnd(b *testing.B) {
	for name, g := range map[string]*targets.Graph{
		"chain200": chain(200), "independent1000": independent(1000), "hub1000": hub(1000), "independent5000": independent(5000)} {
		b.Run(name, func(b *testing.B) {
			for range b.N {
				m := New(g)
				if n := boot(m, 0); n != len(g.Needs) {
					b.Fatalf("%d launches", n)
				}
				end(m)
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*len(g.Needs)), "µs/component")
		})
	}
}

// BenchmarkActivateActive is the activation of the active target with nothing to do.
func BenchmarkActivateActive(b *testing.B) {
	m := New(independent(1000))
	boot(m, 0)
	b.ResetTimer()
	for range b.N {
		if out := m.Step(time.Second, Activate{Request: 1}); len(out) != 1 {
			b.Fatal(out)
		}
	}
}

func BenchmarkStore(b *testing.B) {
	m := New(independent(1000))
	table := openTable(b, make([]byte, TableSize(1100)))
	boot(m, 0)
	if err := m.Store(table); err != nil {
		b.Fatal(err)
	}
	b.ResetTimer()
	for range b.N {
		m.table.mark(500)
		if err := m.Store(table); err != nil {
			b.Fatal(err)
		}
	}
}
