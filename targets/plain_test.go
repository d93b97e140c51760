package targets

import (
	"os"
	"path/filepath"
	"testing"
	"unicode/utf8"

	"github.com/BurntSushi/toml"
	"github.com/google/go-cmp/cmp"
)

// The examples are read without the decoder, and as by it.
func TestPlainExamples(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../configs/*.toml")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := plain(data); !ok {
			t.Errorf("%s is not plain", name)
		}
		asDecoded(t, data)
	}
}

// asDecoded fails where what is plain is something else to the decoder.
func asDecoded(t *testing.T, data []byte) {
	t.Helper()
	tree, ok := plain(data)
	if !ok || !utf8.Valid(data) {
		return
	}
	var want any
	if _, err := toml.Decode(string(data), &want); err != nil {
		t.Fatalf("plain, and to the decoder: %v\n%s", err, data)
	}
	if diff := cmp.Diff(want, any(tree)); diff != "" {
		t.Errorf("%s:\n%s", data, diff)
	}
}

// Each is left to the decoder.
func TestNotPlain(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"a = 1\na = 2", "[a]\n[a]", "[a.b]\n[a]\nb = 1", "a = 1\n[a]", "a = { b = 1 }\n[a.c]", "a = { b = 1, b = 2 }", "[[a]]", "a.b = 1", "a",
		"a =", "a = [\"\\", "a = 1 2", "a = 1 b = 2", "= 1", "a = [1 2]", "a = [1", "a = [#", "a = [,]", "a = { b = 1", "a = { b = 1, }", "a = { , }", "[a", "[a.]", "[]", "[a] b = 1",
		"a = \"\"\"b\"\"\"", "a = '''b'''", "a = \"\\u0041\"", "a = \"\\", "a = \"b", "a = \"b\nc\"", "a = \"\x00\"", "# \x01", "a = 1\r\n", "\x00",
		"a = 01", "a = -1", "a = 1.5", "a = 1_000", "a = 0x1", "a = 1234567890123456789", "a = 1979-05-27", "a = truth", "a = inf",
	} {
		if tree, ok := plain([]byte(text)); ok {
			t.Errorf("%q is plain: %v", text, tree)
		}
	}
}

// FuzzPlain: what is plain is the same to the decoder, and no fault.
func FuzzPlain(f *testing.F) {
	for _, text := range []string{
		"", "# none", "a = 1", "a = [1, 'b', [true], {c = \"d\"},]\n\n[e . \"f g\"] # h\ni = {}", "[a.b]\n[a]\nc = 0", "\"\" = ''\n[\"\"]",
		"a = [ # b\n 1,\n # c\n 2\n]\n", "a = \"\t#\"# b", "a = \"\\\"b\\\\c\\n\\b\\t\\f\\rd\\\"\"", "a = \"\\\"\"\"", "[a]\nb = \"ä\"\n[a.c]\nd = false",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(asDecoded)
}
