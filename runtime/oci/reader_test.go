package oci

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/opencontainers/runtime-spec/specs-go"
	"github.com/rogpeppe/go-internal/txtar"
	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/runtime"
	"github.com/orderly-init/orderly/runtime/container"
)

// Every field of the spec has a line in the table, and every line a field.
func TestTableNamesEveryField(t *testing.T) {
	t.Parallel()
	want := map[string]bool{}
	fieldsOf(reflect.TypeFor[specs.Spec](), "", want)
	for _, f := range Fields() {
		if !want[f.Path] {
			t.Errorf("%s is in the table, and no field of the spec, or there twice", f.Path)
		}
		delete(want, f.Path)
	}
	for path := range want {
		t.Errorf("%s is a field of the spec, and not in the table", path)
	}
}

// fieldsOf gathers the paths of a type. What is for another system is one field.
func fieldsOf(t reflect.Type, path string, into map[string]bool) {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice || t.Kind() == reflect.Map {
		switch t.Kind() {
		case reflect.Slice:
			path += "[]"
		case reflect.Map:
			path += ".*"
		}
		t = t.Elem()
	}
	if path != "" {
		into[shared(path)] = true
	}
	switch path {
	case "solaris", "windows", "vm", "zos", "freebsd":
		return
	}
	if t.Kind() == reflect.Struct {
		for name, inner := range members(t) {
			fieldsOf(inner, join(path, name), into)
		}
	}
}

// The table of the documentation is the one that the program goes by.
func TestTableIsDocumented(t *testing.T) {
	t.Parallel()
	doc, err := os.ReadFile("../../docs/oci.md")
	if err != nil {
		t.Fatal(err)
	}
	var got, want []string
	_, fields, _ := strings.Cut(string(doc), "\n## Fields\n")
	for line := range strings.Lines(fields) {
		if strings.HasPrefix(line, "| `") {
			got = append(got, strings.TrimSpace(line))
		}
	}
	for _, f := range Fields() {
		want = append(want, fmt.Sprintf("| `%s` | %v | %s |", f.Path, f.Verdict, f.Text))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("docs/oci.md against runtime/oci/fields.txt:\n%s", diff)
	}
}

// Each archive of testdata is a config.json and what is said of it: its problems, or what is left out.
func TestProblems(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			config, want := archive.Files[0].Data, string(archive.Files[1].Data)
			b, problems := Parse("/b", config, Own{})
			if b != nil {
				problems = b.Notes
			}
			var got strings.Builder
			for _, p := range problems {
				fmt.Fprintln(&got, p)
			}
			if os.Getenv("ORDERLY_UPDATE") != "" {
				archive.Files[1].Data = []byte(got.String())
				if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(want, got.String()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// What runc writes for a new bundle, in the words of a start. A component has a terminal, so that it may ask for one.
func TestOfRunc(t *testing.T) {
	t.Parallel()
	b := parsed(t, "runc-spec.json")
	some := []int{unix.CAP_AUDIT_WRITE, unix.CAP_KILL, unix.CAP_NET_BIND_SERVICE}
	umask := 0o022
	process := runtime.Spec{
		Args: []string{"sh"}, Env: []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TERM=xterm"}, Dir: "/",
		Credential: &runtime.Credential{}, Umask: &umask, NoNewPrivileges: true,
		Limits:  []runtime.Limit{{Resource: unix.RLIMIT_NOFILE, Soft: 1024, Hard: 1024}},
		Sets:    &runtime.CapabilitySets{Bounding: some, Permitted: some, Effective: some, Inheritable: []int{}},
		Ambient: []int{},
	}
	if diff := cmp.Diff(process, b.Process); diff != "" {
		t.Error(diff)
	}
	c := b.Config
	if c.Root != "/b/rootfs" || !c.ReadOnly || c.Hostname != "runc" || len(c.Volumes) != 7 || len(c.Masked) != 10 || len(c.ReadOnlies) != 5 {
		t.Errorf("%+v", c)
	}
	if want := uint64(unix.CLONE_NEWPID | unix.CLONE_NEWNET | unix.CLONE_NEWIPC | unix.CLONE_NEWUTS | unix.CLONE_NEWNS); c.Kinds != want {
		t.Errorf("namespaces %#x, want %#x", c.Kinds, want)
	}
	want := container.Volume{Source: "cgroup2", Target: "/sys/fs/cgroup", Type: "cgroup2", Words: []string{"nosuid", "noexec", "nodev", "relatime", "ro"}}
	if diff := cmp.Diff(want, c.Volumes[6]); diff != "" {
		t.Error(diff)
	}
}

// The rules that Landlock needs go into the filter of a bundle, which then is instead of them alone.
func TestPlainTCP(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		file string
		has  bool // a filter of its own
	}{{"podman.json", true}, {"runc-spec.json", false}} {
		data, err := os.ReadFile(filepath.Join("testdata", row.file))
		if err != nil {
			t.Fatal(err)
		}
		plain, _ := Parse("/b", data, Own{Terminal: true})
		b, problems := Parse("/b", data, Own{Terminal: true, PlainTCP: true})
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		if longer := len(b.Process.Filter) > len(plain.Process.Filter); longer != row.has {
			t.Errorf("%s: %d instructions, and %d with the rules", row.file, len(plain.Process.Filter), len(b.Process.Filter))
		}
		rules := []uint64{1}
		for _, k := range []Kind{{}, {PlainTCP: true}} {
			s := runtime.Spec{Filter: rules}
			k.Complete(&s, b)
			want := rules
			if k.PlainTCP && row.has {
				want = b.Process.Filter
			}
			if diff := cmp.Diff(want, s.Filter); diff != "" {
				t.Errorf("%s, %v: %s", row.file, k.PlainTCP, diff)
			}
		}
	}
}

// What podman writes: a profile, mounts that are bound, a user namespace.
func TestOfPodman(t *testing.T) {
	t.Parallel()
	b := parsed(t, "podman.json")
	if b.Process.Filter == nil || !b.Process.FilterEarly || len(b.Process.Limits) != 2 || b.Process.Credential.UID != 1000 {
		t.Errorf("%+v", b.Process)
	}
	if diff := cmp.Diff([]runtime.IDMap{{Inside: 0, Outside: 100000, Size: 65536}}, b.Config.UIDs); diff != "" {
		t.Error(diff)
	}
	if b.Config.Join[0] != (container.Joining{Path: "/run/netns/cni-1", Kind: unix.CLONE_NEWNET}) || b.Config.Kinds&unix.CLONE_NEWUSER == 0 {
		t.Errorf("%+v", b.Config.Join)
	}
	var notes []string
	for _, n := range b.Notes {
		notes = append(notes, n.Path)
	}
	want := []string{"linux.cgroupsPath", "linux.seccomp.architectures[1]", "linux.seccomp.architectures[2]"}
	if diff := cmp.Diff(want, notes); diff != "" {
		t.Error(diff)
	}
}

func parsed(t *testing.T, name string) *Bundle {
	t.Helper()
	data, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	b, problems := Parse("/b", data, Own{Terminal: true})
	if len(problems) > 0 {
		t.Fatal(Refused(problems))
	}
	return b
}

// What is allowed and denied, in its order, and what comes of it.
func TestAccess(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ name, rules, want string }{
		{"none", ``, ""},
		{"nothing", `{"allow": false, "access": "rwm"}`, ""},
		{"one", `{"allow": false, "access": "rwm"}, {"allow": true, "type": "c", "major": 10, "minor": 229, "access": "rw"}`, "c 10:229 rw"},
		{"all", `{"allow": true, "access": "rwm"}`, "a -1:-1 rwm"},
		{"all, and then nothing", `{"allow": true, "access": "rwm"}, {"allow": false, "access": "rwm"}`, ""},
		{"taken back", `{"allow": true, "type": "b", "major": 8, "access": "r"}, {"allow": false, "type": "b", "major": 8, "access": "rwm"}`, ""},
		{"not touched", `{"allow": true, "type": "b", "major": 8, "access": "r"}, {"allow": false, "type": "c", "major": 8}`, "b 8:-1 r"},
		{"a part", `{"allow": true, "access": "rwm"}, {"allow": false, "type": "c", "major": 1, "minor": 1}`, "refused"},
		{"a part of the access", `{"allow": true, "type": "c", "major": 1, "access": "rw"}, {"allow": false, "type": "c", "major": 1, "access": "w"}`, "refused"},
	} {
		var rules []specs.LinuxDeviceCgroup
		if err := json.Unmarshal([]byte("["+row.rules+"]"), &rules); err != nil {
			t.Fatal(err)
		}
		r := &reader{report: &report{}, tree: &node{}, b: &Bundle{}}
		r.access(rules)
		got := r.b.Config.Access[:len(r.b.Config.Access)-len(container.UsualAccess())-2]
		var text []string
		for _, a := range got {
			text = append(text, fmt.Sprintf("%c %d:%d %s", a.Type, a.Major, a.Minor, a.Access))
		}
		if len(r.problems) > 0 {
			text = []string{"refused"}
		}
		if diff := cmp.Diff(row.want, strings.Join(text, ", ")); diff != "" {
			t.Errorf("%s: %s", row.name, diff)
		}
	}
}

// A file that is none, or has no end, is refused before it is read.
func TestLoad(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	refused := func(name, want string) {
		t.Helper()
		if _, err := NewSchema().Read(filepath.Join(dir, name), Own{}); err == nil || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("%s: got %v, want …%s", name, err, want)
		}
	}
	for _, name := range []string{"none", "fifo", "big", "directory/config.json"} {
		if err := os.MkdirAll(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := unix.Mkfifo(filepath.Join(dir, "fifo", ConfigName), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "big", ConfigName), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(filepath.Join(dir, "big", ConfigName), maxConfig+1); err != nil {
		t.Fatal(err)
	}
	refused("none", "open config.json: no such file or directory")
	refused("fifo", "config.json is not a regular file")
	refused("big", "config.json has more than 4194304 bytes")
	refused("directory", "config.json is not a regular file")
}

// FuzzParse: whatever it is given, it ends, and says either what is wrong or what it is.
func FuzzParse(f *testing.F) {
	files, err := filepath.Glob("testdata/*.json")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	for _, text := range []string{"", "{", "[]", `{"a":`, strings.Repeat("[", 100), `{"process": {"args": ["\u0000"]}}`, "\xff", `{"linux": null}`, "{}{}"} {
		f.Add([]byte(text))
	}
	schema := NewSchema()
	f.Fuzz(func(t *testing.T, data []byte) {
		b, problems := schema.Parse("/b", data, Own{})
		if (b == nil) != (len(problems) > 0) {
			t.Fatalf("%v, %v", b, problems)
		}
		for _, p := range problems {
			if p.What == "" || p.Line < 1 {
				t.Fatalf("%+v", p)
			}
		}
	})
}
