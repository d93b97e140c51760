package targets

import (
	"fmt"
	"strings"
	"testing"
)

// manyComponents is a configuration of n components, each of which needs the one before it, as people write them.
func manyComponents(n int) []Source {
	var b strings.Builder
	b.WriteString("shutdown_timeout = \"2400h\"\n")
	for i := range n {
		fmt.Fprintf(&b, `[component.service-%04d]
command = ["/usr/bin/service", "--number", "%d"]
environment = { RUST_LOG = "info" }
start_timeout = "2s"
user = "daemon"
`, i, i)
		if i > 0 {
			fmt.Fprintf(&b, "depends_on = [\"service-%04d\"]\n", i-1)
		}
		b.WriteString("[component.service-" + fmt.Sprintf("%04d", i) + ".recovery]\nattempts = 3\n\n")
	}
	b.WriteString("[target.all]\ndepends_on = [")
	for i := range n {
		fmt.Fprintf(&b, "\"service-%04d\",\n", i)
	}
	b.WriteString("]\n")
	return []Source{{Path: "many.toml", Data: []byte(b.String())}}
}

func BenchmarkLoad1000(b *testing.B) {
	sources := manyComponents(1000)
	for b.Loop() {
		if _, problems := Load(sources); problems != nil {
			b.Fatal(problems)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/1000, "µs/component")
}

func BenchmarkDecode1000(b *testing.B) {
	sources := manyComponents(1000)
	for b.Loop() {
		f := file{Source: sources[0]}
		if err := decodeTree(&f); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkGraph1000(b *testing.B) {
	cfg, problems := Load(manyComponents(1000))
	if problems != nil {
		b.Fatal(problems)
	}
	for b.Loop() {
		NewGraph(cfg).Closure(0, nil)
	}
}

func BenchmarkNesting1000(b *testing.B) {
	sources := manyComponents(1000)
	for b.Loop() {
		nestedTooDeep(sources[0].Data)
	}
}
