package main

import (
	"os"
	"path/filepath"
	"testing"
)

func TestArguments(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, line string
		want       arguments
	}{
		{"defaults", "console=ttyAMA0", arguments{fstype: "ext4", init: "/sbin/init"}},
		{"all", "root=LABEL=x rw rootfstype=xfs init=/bin/x stage1.agent=/a\n",
			arguments{root: "LABEL=x", fstype: "xfs", init: "/bin/x", agent: "/a", writable: true}},
		{"the last counts", "rw root=/dev/a ro root=/dev/b", arguments{root: "/dev/b", fstype: "ext4", init: "/sbin/init"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := parse(tt.line); got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}

func FuzzArguments(f *testing.F) {
	f.Add("root=LABEL=x rw")
	f.Fuzz(func(t *testing.T, line string) { parse(line) })
}

func TestLabelOfFileSystem(t *testing.T) {
	t.Parallel()
	disk := make([]byte, 2048)
	disk[1024+56], disk[1024+57] = 0x53, 0xEF
	copy(disk[1024+120:], "orderly-root")
	path := filepath.Join(t.TempDir(), "disk")
	if err := os.WriteFile(path, disk, 0o644); err != nil {
		t.Fatal(err)
	}
	if got := ext4Label(path); got != "orderly-root" {
		t.Errorf("got %q", got)
	}
	disk[1024+56] = 0
	if err := os.WriteFile(path, disk, 0o644); err != nil {
		t.Fatal(err)
	}
	if got := ext4Label(path); got != "" {
		t.Errorf("label of something else: %q", got)
	}
}
