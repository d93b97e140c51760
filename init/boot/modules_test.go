package boot

import (
	"errors"
	"io/fs"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	testDeps = `kernel/fs/nf.ko.xz: kernel/lib/crc.ko.xz kernel/lib/base.ko.xz
kernel/lib/crc.ko.xz: kernel/lib/base.ko.xz
kernel/lib/base.ko.xz:
kernel/lib/crc-generic.ko.xz:
kernel/lib/late.ko:
kernel/lib/broken.ko:
kernel/lib/on-broken.ko: kernel/lib/broken.ko
kernel/fs/summed.ko:

# a comment: of nobody
`
	testSoft    = "# Soft dependencies\nsoftdep crc pre: crc-generic not-there nf post: late\nsoftdep x\nalias a b\nsoftdep summed pre: sum\n"
	testBuiltin = "kernel/fs/ext4/ext4.ko\nkernel/lib/sum.ko\n"
	testAlias   = "# Aliases\nalias crypto-crc crc_generic\nalias pci:v00001AF4d* nf\nalias base late\nalias sum crc_generic\n"
)

// testLoader records what is given to the kernel.
func testLoader(order *[]string) *loader {
	l := &loader{directory: "/m", done: map[string]error{}, options: moduleOptions(`root=x nf.size=4 nf.names="a b" nf.on`)}
	l.readDeps(testDeps)
	l.readBuiltin(testBuiltin)
	l.readSoft(testSoft)
	l.readAlias(testAlias)
	l.present = func(name string) bool { return name == "loaded" }
	l.insert = func(path, options string) error {
		*order = append(*order, strings.TrimSpace(path+" "+options))
		if strings.Contains(path, "/broken") {
			return fs.ErrInvalid
		}
		return nil
	}
	return l
}

func TestModules(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name string
		load []string
		want []string
		err  string
	}{
		{"built in", []string{"ext4"}, nil, ""},
		{"loaded", []string{"loaded"}, nil, ""},
		{"alone", []string{"base"}, []string{"/m/kernel/lib/base.ko.xz"}, ""},
		{"needs, soft ones first, options, a circle", []string{"nf", "crc"}, []string{
			"/m/kernel/lib/crc-generic.ko.xz", "/m/kernel/lib/base.ko.xz", "/m/kernel/lib/crc.ko.xz", "/m/kernel/lib/late.ko",
			`/m/kernel/fs/nf.ko.xz size=4 names="a b" on`}, ""},
		{"dash and underscore", []string{"crc_generic", "crc-generic"}, []string{"/m/kernel/lib/crc-generic.ko.xz"}, ""},
		{"alias", []string{"crypto-crc", "crypto_crc"}, []string{"/m/kernel/lib/crc-generic.ko.xz"}, ""},
		{"alias of a name that is there", []string{"base"}, []string{"/m/kernel/lib/base.ko.xz"}, ""},
		{"built in, and an alias", []string{"sum"}, nil, ""},
		{"a soft one that is built in, and an alias", []string{"summed"}, []string{"/m/kernel/lib/crc-generic.ko.xz", "/m/kernel/fs/summed.ko"}, ""},
		{"unknown", []string{"nope"}, nil, "not in /m/modules.dep, and not built in"},
		{"needs a broken one", []string{"broken", "on_broken"}, []string{"/m/kernel/lib/broken.ko"},
			"invalid argument; broken, which it needs: invalid argument"},
	} {
		var order []string
		l := testLoader(&order)
		var errs []string
		for _, name := range row.load {
			if err := l.load(name); err != nil {
				errs = append(errs, err.Error())
			}
		}
		if diff := cmp.Diff(row.want, order); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", row.name, diff)
		}
		if got := strings.Join(errs, "; "); got != row.err {
			t.Errorf("%s: error %q, want %q", row.name, got, row.err)
		}
	}
}

func FuzzModules(f *testing.F) {
	f.Add(testDeps, testSoft, testBuiltin, "nf")
	f.Add("a.ko: b.ko\nb.ko: a.ko\n", "softdep a pre: b post: a", "", "a")
	f.Add(":\n.ko:\n", "softdep  pre: post:", "/", "")
	f.Fuzz(func(t *testing.T, deps, soft, builtin, name string) {
		l := &loader{directory: "/m", done: map[string]error{}}
		l.readDeps(deps)
		l.readSoft(soft)
		l.readBuiltin(builtin)
		l.present = func(string) bool { return false }
		inserted := map[string]bool{}
		l.insert = func(path, _ string) error {
			if inserted[path] {
				t.Fatalf("%s twice", path)
			}
			inserted[path] = true
			return nil
		}
		l.load(name)
	})
}

func TestInsertSaysWhat(t *testing.T) {
	t.Parallel()
	if err := insert("/no/such.ko", ""); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

// TestModuleFiles lists instead of loading; only what the module itself needs must work.
func TestModuleFiles(t *testing.T) {
	t.Parallel()
	files, err := testLoader(new([]string)).files("nf", []string{"mine=1"})
	if err != nil {
		t.Fatal(err)
	}
	want := []ModuleFile{
		{"/m/kernel/lib/crc-generic.ko.xz", "", true}, {"/m/kernel/lib/base.ko.xz", "", false},
		{"/m/kernel/lib/crc.ko.xz", "", false}, {"/m/kernel/lib/late.ko", "", true},
		{"/m/kernel/fs/nf.ko.xz", `size=4 names="a b" on mine=1`, false},
	}
	if diff := cmp.Diff(want, files); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	if _, err := testLoader(new([]string)).files("nowhere", nil); err == nil {
		t.Error("a module that is not there: no error")
	}
}
