package runtime

import (
	"fmt"
	"os"
	"path/filepath"
	goruntime "runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// Every action that needs no module, on a mount of its own: what it does, that doing it twice is fine, and what the
// first failing one is called.
func TestActions(t *testing.T) {
	needsRoot(t)
	want := `ok mkdir: a/b drwxr-x--- 7:8
ok symlink: link -> two
ok write: "new"
ok chmod: -rw-r-----
ok chown: 7:8
ok remove: [a link]
ok mount: tmpfs, then read-only
ok unmount: nothing
failed mkdir W/file: not a directory
failed write W/none: no such file or directory
failed remove W/a: is a directory
failed mount nodev on W/m: ENODEV, the kernel does not know the type of the file system
failed modprobe W/none.ko: no such file or directory
failed modprobe W/file: exec format error
`
	flavours(t, func(t *testing.T, f Flavour) {
		got := tree(t, "actions", f, t.TempDir()).Out
		got = strings.Replace(got, "function not implemented", "exec format error", 1) // a kernel without modules
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}

func doActions(m *manager) error {
	goruntime.LockOSThread() // the namespace is the thread's own
	if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
		return err
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return err
	}
	dir := m.arg
	in := func(name string) string { return filepath.Join(dir, name) }
	try := func(a ...Action) string {
		if err := m.start(Spec{Actions: a}); err != nil {
			return fmt.Sprintf("failed %s", strings.ReplaceAll(err.Error(), dir, "W"))
		}
		return "ok " + a[0].verb()
	}
	made := MakeDirectory{Path: in("a/b"), Mode: 0o750, Owner: &Owner{7, 8}}
	fmt.Printf("%s: %s\n", try(made, made), seen(dir, "a/b"))
	did := try(Symlink{"one", in("link")}, Symlink{"two", in("link")})
	to, _ := os.Readlink(in("link"))
	fmt.Printf("%s: link -> %s\n", did, to)
	os.WriteFile(in("file"), []byte("old text"), 0o600)
	did = try(Write{in("file"), "new"})
	text, _ := os.ReadFile(in("file"))
	fmt.Printf("%s: %q\n", did, text)
	did = try(ChangeMode{[]string{in("file")}, 0o640})
	st, _ := os.Stat(in("file"))
	fmt.Printf("%s: %v\n", did, st.Mode())
	did = try(ChangeOwner{[]string{in("file"), in("a")}, Owner{7, 8}})
	st, _ = os.Stat(in("file"))
	fmt.Printf("%s: %d:%d\n", did, st.Sys().(*syscall.Stat_t).Uid, st.Sys().(*syscall.Stat_t).Gid)
	did = try(Remove{[]string{in("a/b"), in("file"), in("never")}})
	left, _ := os.ReadDir(dir)
	fmt.Printf("%s: [%s %s]\n", did, left[0].Name(), left[1].Name())
	mountActions(try, in)
	return nil
}

func mountActions(try func(...Action) string, in func(string) string) {
	point := in("m")
	did := try(Mount{Source: "tmpfs", Target: point, Type: "tmpfs", Data: "size=64k", Point: true},
		Mount{Source: point, Target: point, Flags: unix.MS_BIND, Again: unix.MS_BIND | unix.MS_REMOUNT | unix.MS_RDONLY, Share: unix.MS_SHARED})
	var st unix.Statfs_t
	unix.Statfs(point, &st)
	if err := os.WriteFile(filepath.Join(point, "x"), nil, 0o600); st.Type == unix.TMPFS_MAGIC && err != nil {
		fmt.Printf("%s: tmpfs, then read-only\n", did)
	}
	did = try(Unmount{point, false}, Unmount{point, true}, Unmount{point, false})
	unix.Statfs(point, &st)
	if st.Blocks != 16 {
		fmt.Printf("%s: nothing\n", did)
	}
	os.WriteFile(in("file"), []byte("no module"), 0o600)
	os.WriteFile(in("a/file"), nil, 0o600)
	for _, a := range []Action{
		MakeDirectory{Path: in("file"), Mode: -1}, Write{in("none"), ""}, Remove{[]string{in("a")}},
		Mount{Source: "nodev", Target: point, Type: "nodev"}, LoadModules{[]ModuleFile{{Path: in("none.ko")}}},
		LoadModules{[]ModuleFile{{Path: in("file"), Optional: true}, {Path: in("file")}}},
	} {
		fmt.Println(try(a))
	}
}

func seen(dir, name string) string {
	st, err := os.Stat(filepath.Join(dir, name))
	if err != nil {
		return err.Error()
	}
	sys := st.Sys().(*syscall.Stat_t)
	return fmt.Sprintf("%s %v %d:%d", name, st.Mode(), sys.Uid, sys.Gid)
}
