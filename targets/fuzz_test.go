package targets

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// FuzzLoad: any bytes give a configuration or faults, never both, twice the same, and every position is in the file.
func FuzzLoad(f *testing.F) {
	for _, name := range []string{"testdata/every-key.toml", "testdata/sample.toml"} {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data, data)
	}
	f.Add([]byte("[component.a]\ncommand = ['/a']\nafter = ['t']\n[target.t]\ndepends_on = ['a']"), []byte("[component.a]\nwants = ['a', 'b']"))
	f.Add([]byte("[component]\na = 1\n[target.t.recovery]\ntarget = 't'"), []byte("component.b.conflicts = ['t']\n[system]\nmounts = [{}]"))
	f.Fuzz(func(t *testing.T, main, dropIn []byte) {
		sources := []Source{{Path: "main", Data: main}, {Path: "dropin", Data: dropIn, DropIn: true}}
		cfg, problems := Load(sources)
		if (cfg == nil) != problems.Fatal() {
			t.Fatalf("configuration %v, problems %v", cfg, problems)
		}
		again, same := Load(sources)
		if diff := cmp.Diff(cfg, again, cmpopts.EquateNaNs()) + cmp.Diff(problems, same); diff != "" {
			t.Fatal("two loads differ: ", diff)
		}
		for _, p := range problems {
			text := main
			if p.File == "dropin" {
				text = dropIn
			}
			if p.What == "" || p.Line < 1 || p.Col < 1 || p.Line > 1+strings.Count(string(text), "\n") {
				t.Errorf("%v is not in a file of %d lines", p, 1+strings.Count(string(text), "\n"))
			}
		}
		if cfg != nil {
			g := NewGraph(cfg)
			if len(g.Order) != len(cfg.Components) {
				t.Errorf("%d of %d components in order", len(g.Order), len(cfg.Components))
			}
			for i := range cfg.Targets {
				g.Closure(i, nil)
			}
		}
	})
}

// FuzzBundle: what Unbundle takes is what Bundle wrote. The body gets a right checksum, or nothing would pass.
func FuzzBundle(f *testing.F) {
	for _, sources := range [][]Source{nil, {{Path: "a", Data: []byte("b")}, {Layer: 3, DropIn: true}}} {
		blob := Bundle(sources)
		f.Add(blob[:len(blob)-crc32.Size])
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		sources, err := Unbundle(binary.LittleEndian.AppendUint32(bytes.Clone(body), checksum(body)))
		if err != nil {
			if sources != nil {
				t.Errorf("sources %v with %v", sources, err)
			}
			return
		}
		again, err := Unbundle(Bundle(sources))
		if diff := cmp.Diff(sources, again, cmpopts.EquateEmpty()); err != nil || diff != "" {
			t.Errorf("%v\n%s", err, diff)
		}
	})
}

func TestBundle(t *testing.T) {
	t.Parallel()
	sources := []Source{
		{Path: "/etc/orderly/a.toml", Data: []byte("x = 1\n")},
		{Path: "/etc/orderly/x.d/b.toml", Data: []byte{}, Layer: 2, DropIn: true},
	}
	blob := Bundle(sources)
	got, err := Unbundle(blob)
	if diff := cmp.Diff(sources, got, cmpopts.EquateEmpty()); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
	for i := range blob {
		bad := append([]byte(nil), blob...)
		bad[i] ^= 1
		if _, err := Unbundle(bad); err == nil {
			t.Errorf("byte %d changed, and nobody noticed", i)
		}
		if _, err := Unbundle(blob[:i]); err == nil {
			t.Errorf("cut at %d, and nobody noticed", i)
		}
	}
}
