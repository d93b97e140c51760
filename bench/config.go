package main

import (
	"fmt"
	"strings"
)

// head is what every configuration begins with: nothing is up at first, and failures are followed by a start at once.
func (l *lab) head() string {
	return fmt.Sprintf(`initial_target = "idle"
[log]
directory = %q
console = "warning"
[defaults.component]
recovery = { delay = "0s", attempts = 32, window = "1ms", then = "retry" }
[target.idle]
`, l.path("log"))
}

func componentName(i int) string { return fmt.Sprintf("c%04d", i) }

// side is a configuration of n components that do not know each other.
func (l *lab) side(n int) string {
	var b strings.Builder
	b.WriteString(l.head())
	writeTarget(&b, n)
	for i := range n {
		fmt.Fprintf(&b, "[component.%s]\ncommand = [%q, %q]\n", componentName(i), l.mark, l.fifo.path)
	}
	return b.String()
}

// line is a configuration of n components, each of which needs that the one before has said that it is ready.
func (l *lab) line(n int) string {
	var b strings.Builder
	b.WriteString(l.head())
	writeTarget(&b, n)
	for i := range n {
		fmt.Fprintf(&b, "[component.%s]\ncommand = [%q, %q, \"ready\"]\nready = { fd = 3 }\n", componentName(i), l.mark, l.fifo.path)
		if i > 0 {
			fmt.Fprintf(&b, "depends_on = [%q]\n", componentName(i-1))
		}
	}
	return b.String()
}

func writeTarget(b *strings.Builder, n int) {
	b.WriteString("[target.all]\ndepends_on = [")
	for i := range n {
		fmt.Fprintf(b, "%q, ", componentName(i))
	}
	b.WriteString("]\n")
}
