package modules

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func index(t testing.TB, dep, softdep, alias, builtin string) *Index {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"modules.dep": dep, "modules.softdep": softdep, "modules.alias": alias, "modules.builtin": builtin,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	x, err := Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

const dep = `kernel/fs/ext4/ext4.ko: kernel/fs/jbd2/jbd2.ko kernel/fs/mbcache.ko kernel/lib/libcrc32c.ko
kernel/fs/jbd2/jbd2.ko:
kernel/fs/mbcache.ko:
kernel/lib/libcrc32c.ko:
kernel/crypto/crc32c_generic.ko.xz:
kernel/a/one-way.ko:
kernel/a/other-way.ko:
`

const softdep = `# comment
softdep libcrc32c pre: crc32c missing crc32c_generic
softdep one_way pre: other_way
softdep mbcache pre: crypto-crc32c
softdep other_way post: one_way
`

const alias = `alias crypto-crc32c other-way
alias crypto-crc32c crc32c_generic
alias pci:v*d* mbcache
`

func TestLoadOrder(t *testing.T) {
	t.Parallel()
	x := index(t, dep, softdep, alias, "kernel/drivers/virtio/virtio.ko\n")
	tests := []struct{ name, ask, want string }{
		{"last dependency first, soft ones before", "ext4", "crc32c_generic libcrc32c other_way one_way mbcache jbd2 ext4"},
		{"built in needs nothing", "virtio", ""},
		{"a file is as good as a name, an alias brings all", "kernel/fs/mbcache.ko", "other_way one_way crc32c_generic mbcache"},
		{"a dash is an underscore, a cycle ends", "one_way", "other_way one_way"},
		{"each only once", "ext4 jbd2 ext4", "crc32c_generic libcrc32c other_way one_way mbcache jbd2 ext4"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			files, err := x.Files(strings.Fields(tt.ask)...)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, f := range files {
				got = append(got, Name(f))
			}
			if strings.Join(got, " ") != tt.want {
				t.Errorf("got %q, want %q", strings.Join(got, " "), tt.want)
			}
		})
	}
}

func TestUnknownModuleIsAnError(t *testing.T) {
	t.Parallel()
	if _, err := index(t, dep, "", "", "").Files("nvme"); err == nil || !strings.Contains(err.Error(), "nvme") {
		t.Errorf("got %v", err)
	}
}

func FuzzIndex(f *testing.F) {
	f.Add(dep, softdep, alias, "a.ko\n")
	f.Add(":", "softdep", "alias a a", "")
	f.Add(".ko:", "", "", "")
	f.Add("a .ko:", "", "", "")
	f.Fuzz(func(t *testing.T, dep, softdep, alias, builtin string) {
		if len(dep)+len(softdep)+len(alias)+len(builtin) > 1<<12 {
			t.Skip()
		}
		x := index(t, dep, softdep, alias, builtin)
		for name, file := range x.path {
			if file == "" {
				continue
			}
			if _, err := x.Files(name); err != nil {
				t.Errorf("a module of the index is not found: %v", err)
			}
		}
	})
}
