package oci

import (
	"os"
	"testing"
)

// BenchmarkParse is what each start of a bundle costs before anything else: this one is what engines write.
func BenchmarkParse(b *testing.B) {
	data, err := os.ReadFile("testdata/runc-spec.json")
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	schema := NewSchema()
	for b.Loop() {
		if _, problems := schema.Parse("/bundle", data, Own{Terminal: true}); len(problems) > 0 {
			b.Fatal(problems)
		}
	}
}
