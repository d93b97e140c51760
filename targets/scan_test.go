package targets

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"
	"github.com/google/go-cmp/cmp"
)

// TestIndex finds keys in every way that TOML has to write them.
func TestIndex(t *testing.T) {
	t.Parallel()
	text := strings.Join([]string{
		`# a = 1, a comment`,
		`a . "b.c" . 'd"' = 1 # b = 2`,
		`list = [ 'x', [1, 2], { k = "v]" },`,
		`  # "comment"`,
		`  """`,
		`  ] = "multi" \""" """, '''`,
		`'''', ]`,
		`when = 1979-05-27 07:32:00Z`,
		`[table."q\u0041"]`,
		`x = { y.z = [ ], w = "a = 1" }`,
		`[[mounts]]`,
		`a = 1`,
		`[mounts.sub]`,
		`b = 1`,
		`[[mounts]]`,
		`a = 2`,
		`  [[ mounts . more ]]`,
		`  c = ""`,
	}, "\r\n")
	f := file{Source: Source{Path: "f", Data: []byte(text)}}
	var got []string
	for path, s := range f.index().spots {
		key, value := f.place(s.key), f.place(s.value)
		got = append(got, fmt.Sprintf("%s %d:%d %d:%d", path, key.line, key.col, value.line, value.col))
	}
	slices.Sort(got)
	want := []string{
		`a 2:1 2:1`, `a."b.c" 2:5 2:5`, `a."b.c"."d\"" 2:13 2:20`,
		`list 3:1 3:8`, `list[0] 3:10 3:10`, `list[1] 3:15 3:15`, `list[1][0] 3:16 3:16`, `list[1][1] 3:19 3:19`,
		`list[2] 3:23 3:23`, `list[2].k 3:25 3:29`, `list[3] 5:3 5:3`, `list[4] 6:25 6:25`,
		`mounts 11:3 11:3`, `mounts[0] 11:3 11:3`, `mounts[0].a 12:1 12:5`, `mounts[0].sub 13:9 13:9`, `mounts[0].sub.b 14:1 14:5`,
		`mounts[1] 15:3 15:3`, `mounts[1].a 16:1 16:5`, `mounts[1].more 17:15 17:15`, `mounts[1].more[0] 17:15 17:15`,
		`mounts[1].more[0].c 18:3 18:7`,
		`table 9:2 9:2`, `table.qA 9:8 9:8`, `table.qA.x 10:1 10:5`, `table.qA.x.w 10:18 10:22`, `table.qA.x.y 10:7 10:7`, `table.qA.x.y.z 10:9 10:13`,
		`when 8:1 8:8`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("places (-want +got):\n%s", diff)
	}
	if len(f.index().twice) != 0 {
		t.Errorf("twice: %v", f.index().twice)
	}
}

// paths lists every key and element of a decoded tree.
func paths(path string, x any, found map[string]bool) {
	found[path] = true
	switch x := x.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(x)) {
			paths(join(path, key), x[key], found)
		}
	case []any:
		for i := range x {
			paths(element(path, i), x[i], found)
		}
	case []map[string]any:
		for i := range x {
			paths(element(path, i), x[i], found)
		}
	}
}

// FuzzIndex holds the scanner to the decoder: it ends on any bytes, its places are in the file, and in a file that
// the decoder reads it finds exactly the same keys.
func FuzzIndex(f *testing.F) {
	f.Add([]byte("a.b = [{ c = 1 }, '''x''']\n[[d]]\n[d.e]\n\"f\" = 'g'\n"))
	f.Add([]byte("a = \"\"\"\\\"\"\"\"\"\"\nb = 1"))
	f.Add([]byte("[a]\r\nb = \"\\\\\" # c\r\n"))
	f.Add([]byte("[[[[{{{\"\"\"'''=,.\n="))
	f.Fuzz(func(t *testing.T, data []byte) {
		found := index(data)
		for path, s := range found.spots {
			if s.key < 0 || s.key > len(data) || s.value < s.key || s.value > len(data) {
				t.Fatalf("%s at %d, value at %d of %d", path, s.key, s.value, len(data))
			}
		}
		if nestedTooDeep(data) >= 0 {
			return
		}
		var tree any
		if _, err := toml.Decode(string(data), &tree); err != nil {
			return
		}
		if strings.HasPrefix(string(data), "\xef\xbb\xbf") || strings.HasPrefix(string(data), "\xff\xfe") || strings.HasPrefix(string(data), "\xfe\xff") {
			return
		}
		want := map[string]bool{}
		paths("", tree, want)
		delete(want, "")
		for path := range want {
			if _, ok := found.spots[path]; !ok {
				t.Errorf("%s is not found in %q", path, data)
			}
		}
		for path := range found.spots {
			if !want[path] {
				t.Errorf("%s is found in %q", path, data)
			}
		}
	})
}

// TestByteOrderMark and line ends: both are shown where they are, and neither shifts a position.
func TestByteOrderMark(t *testing.T) {
	t.Parallel()
	_, problems := Load([]Source{{Path: "a.toml", Data: []byte("\xef\xbb\xbfx = 1\r\n[target.t]\r\ny = 2\r\n")}})
	want := `a.toml:1:1: begins with a byte order mark; save it as UTF-8 without one
a.toml:1:1: x: unknown key
a.toml:3:1: target.t.y: unknown key`
	if diff := cmp.Diff(want, problems.Error()); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
	_, problems = Load([]Source{{Path: "a.toml", Data: []byte("\xff\xfe[\x00t\x00]\x00")}})
	want = `a.toml:1:2: files cannot contain NULL bytes; probably using UTF-16; TOML files must be UTF-8`
	if diff := cmp.Diff(want, problems.Error()); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}
