package runtime

import (
	"os"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const passwdText = `root:x:0:0:root:/root:/bin/sh
# a comment
web:x:33:33::/var/www:/bin/false
1000:x:77:77::/:/bin/sh
evil:x:abc:5::/:/bin/sh
max:x:4294967295:5::/:/bin/sh
+::::::
`

const groupText = `root:x:0:
web:x:33:
dialout:x:20:web,other
video:x:44:web
evil:x:abc:web
root2:x:0:web
`

func TestLookup(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	passwd, group := dir+"/passwd", dir+"/group"
	for path, text := range map[string]string{passwd: passwdText, group: groupText} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	no := dir + "/none"
	for _, row := range []struct {
		name          string
		account       Account
		passwd, group string
		want          Credential
		err           string
	}{
		{"by name", Account{User: "web"}, passwd, group, Credential{33, 33, []uint32{33, 20, 44, 0}}, ""},
		{"by number, with an entry", Account{User: "33"}, passwd, group, Credential{33, 33, []uint32{33, 20, 44, 0}}, ""},
		{"no supplementary", Account{User: "web", Supplementary: []string{}}, passwd, group, Credential{33, 33, nil}, ""},
		{"some supplementary", Account{User: "web", Group: "dialout", Supplementary: []string{"44", "root"}}, passwd, group, Credential{33, 20, []uint32{44, 0}}, ""},
		{"name that is a number", Account{User: "1000"}, passwd, group, Credential{77, 77, []uint32{77}}, ""},
		{"numbers without files", Account{User: "5", Group: "6"}, no, no, Credential{5, 6, []uint32{6}}, ""},
		{"number without group", Account{User: "5"}, no, no, Credential{}, `user "5": no entry in ` + no + `, so its group must be given`},
		{"root without files", Account{User: "root"}, no, no, Credential{0, 0, []uint32{0}}, ""},
		{"0 without files", Account{User: "0", Group: "root"}, no, no, Credential{0, 0, []uint32{0}}, ""},
		{"unknown user", Account{User: "nobody"}, passwd, group, Credential{}, `user "nobody": unknown`},
		{"empty user", Account{}, passwd, group, Credential{}, `user "": unknown`},
		{"unknown group", Account{User: "web", Group: "x"}, passwd, group, Credential{}, `group "x": unknown`},
		{"unknown supplementary", Account{User: "web", Supplementary: []string{"x"}}, passwd, group, Credential{}, `group "x": unknown`},
		{"entry with a bad id", Account{User: "evil"}, passwd, group, Credential{}, `user "evil": unknown`},
		{"entry with all ones", Account{User: "max"}, passwd, group, Credential{}, `user "max": unknown`},
		{"all ones", Account{User: "4294967295", Group: "0"}, no, no, Credential{}, `user "4294967295": unknown`},
		{"negative", Account{User: "-1", Group: "0"}, no, no, Credential{}, `user "-1": unknown`},
	} {
		t.Run(row.name, func(t *testing.T) {
			got, err := lookup(row.account, row.passwd, row.group)
			if text := message(err); text != row.err {
				t.Fatalf("error %q, want %q", text, row.err)
			}
			if diff := cmp.Diff(row.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func message(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// Whatever is in the files, only root's own names give root.
func FuzzEntries(f *testing.F) {
	f.Add(passwdText)
	f.Add(groupText)
	f.Fuzz(func(t *testing.T, text string) {
		for _, u := range parseEntries(text, parseUser) {
			if u.name == "" || u.uid == ^uint32(0) || u.gid == ^uint32(0) {
				t.Errorf("%+v", u)
			}
		}
		for _, g := range parseEntries(text, parseGroup) {
			if g.name == "" || g.gid == ^uint32(0) || slices.Contains(memberships([]groupEntry{g}, "", 1), ^uint32(0)) {
				t.Errorf("%+v", g)
			}
		}
	})
}

// Texts that have been read are looked through as files are.
func TestLookupIn(t *testing.T) {
	t.Parallel()
	got, err := LookupIn(Account{User: "web", Group: "dialout"}, passwdText, groupText)
	if diff := cmp.Diff(Credential{33, 20, []uint32{20, 44, 0}}, got); diff != "" || err != nil {
		t.Error(err, diff)
	}
	if _, err := LookupIn(Account{User: "5"}, "", ""); message(err) != `user "5": no entry in /etc/passwd, so its group must be given` {
		t.Error(err)
	}
}
