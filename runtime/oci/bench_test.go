package oci

import (
	"os"
	"testing"
)

// BenchmarkParse is what reading a bundle costs, off the loop, at each start.
func BenchmarkParse(b *testing.B) {
	data, err := os.ReadFile("testdata/podman.json")
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if got, problems := Parse("/b", data, Own{}); got == nil {
			b.Fatal(problems)
		}
	}
}
