package runtime

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// A container sees its own names, processes, mounts and network, and leaves
// nothing behind.
func TestContainer(t *testing.T) {
	t.Parallel()
	needsRoot(t)
	needs(t, "/bin/sh", "/usr/bin/stat")
	want := strings.Join([]string{
		"pid 1", "host box", "lo", "proc sys", "no write", "null: character special file", "kept out:", "tmpfs", "read only file",
		"old root gone", "mounts of the host are the same",
		"pid 1 uid 0", "0 100000 65536", "mapped: 5", "up 1000", "clock offset boottime: numerical result out of range", "",
	}, "\n")
	flavours(t, func(t *testing.T, f Flavour) {
		if diff := cmp.Diff(want, tree(t, "container", f, t.TempDir()).Out); diff != "" {
			t.Error(diff)
		}
	})
}

// boxed is a root that is empty but for what is bound into it.
func boxed(dir string) *Container {
	c := &Container{
		Namespaces: unix.CLONE_NEWNS | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC | unix.CLONE_NEWNET | unix.CLONE_NEWPID | unix.CLONE_NEWCGROUP,
		Hostname:   "box", Loopback: true, Root: &Root{Path: dir},
		Mounts: []Mounting{
			{Source: "/usr", Target: "/usr", Bind: true, Recursive: true, Set: unix.MOUNT_ATTR_RDONLY},
			{Source: "proc", Target: "/proc", Type: "proc", Flags: unix.MS_NOSUID | unix.MS_NOEXEC | unix.MS_NODEV},
			{Source: "tmpfs", Target: "/dev", Type: "tmpfs", Flags: unix.MS_NOSUID, Data: "mode=0755"},
			{Source: "/etc/hostname", Target: "/etc/hostname", Bind: true, File: true, Set: unix.MOUNT_ATTR_RDONLY},
		},
		Nodes:    []Node{{Path: "/dev/null", Mode: unix.S_IFCHR | 0o666, Major: 1, Minor: 3}},
		Links:    []Link{{"usr/bin", "/bin"}, {"usr/lib", "/lib"}, {"usr/lib64", "/lib64"}},
		Masked:   []Mask{{Path: "/proc/kcore"}, {"/proc/scsi", true}, {Path: "/proc/nowhere"}},
		ReadOnly: []Mask{{"/proc/sys", true}},
	}
	return c
}

func containers(m *manager) error {
	before, err := mounted("/", "/proc", "/dev", m.arg)
	if err != nil {
		return err
	}
	c := boxed(m.arg)
	s := Spec{Path: "/bin/sh", Env: []string{"PATH=/bin"}, Container: c, Args: []string{"sh", "-c", `echo pid $$ host $(cat /proc/sys/kernel/hostname) | sed 's/ host/\nhost/'
ip -o link 2>/dev/null | sed 's/.*: \(lo\):.*/\1/' || echo lo
ls -d /proc/self /proc/sys >/dev/null && echo proc sys
echo x > /usr/x 2>/dev/null || echo no write
echo null: $(stat -c %F /dev/null)
echo kept out: $(cat /proc/kcore | head -c 1)
stat -f -c %T /dev
echo x > /etc/hostname 2>/dev/null || echo read only file
test "$(wc -l < /proc/self/mountinfo)" -lt 14 && echo old root gone || cat /proc/self/mountinfo`}}
	out, err := output(s, m.start)
	if err != nil {
		return err
	}
	fmt.Print(out)
	after, err := mounted("/", "/proc", "/dev", m.arg)
	if err == nil && strings.Join(before, "") == strings.Join(after, "") {
		fmt.Println("mounts of the host are the same")
	}
	return mapped(m)
}

// mapped starts in a user namespace, with files that belong to whom they
// belong outside.
func mapped(m *manager) error {
	ids := []IDMap{{0, 100000, 65536}}
	held, err := Hold(m.host, ids, ids, true)
	if err != nil {
		return err
	}
	defer held.Close()
	file := filepath.Join(m.arg, "five")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		return err
	}
	if err := os.Chown(file, 5, 5); err != nil {
		return err
	}
	c := boxed(m.arg)
	c.Namespaces &^= unix.CLONE_NEWNET
	c.Enter = []Namespace{{"net", held.Net, unix.CLONE_NEWNET}, {"user", held.User, unix.CLONE_NEWUSER}}
	c.Map = true
	c.Nodes = nil
	c.Mounts = append(c.Mounts, Mounting{Source: "/dev/null", Target: "/dev/null", Bind: true, File: true})
	if c.Root.Tree, err = IDMapped(m.arg, held.User); err != nil {
		return err
	}
	defer unix.Close(c.Root.Tree)
	s := Spec{Path: "/bin/sh", Env: []string{"PATH=/bin"}, Container: c, Args: []string{"sh", "-c",
		`echo pid $$ uid $(id -u); cat /proc/self/uid_map | tr -s ' ' | sed 's/^ //'; echo mapped: $(stat -c %u /five)`}}
	out, err := output(s, m.start)
	fmt.Print(out)
	if err != nil {
		return err
	}
	return ahead(m)
}

// ahead starts with a clock of its own; one beyond all times is refused by the
// intermediate, which says so.
func ahead(m *manager) error {
	c := boxed(m.arg)
	c.Namespaces |= unix.CLONE_NEWTIME
	for _, by := range []int64{100000000 * 1e9, 1<<63 - 1} {
		c.Offsets = []Offset{{"boottime", by}}
		out, err := output(Spec{Path: "/bin/sh", Env: []string{"PATH=/bin"}, Container: c, Args: []string{"sh", "-c", "echo up $(cut -c1-4 /proc/uptime)"}}, m.start)
		fmt.Print(out)
		if err != nil {
			fmt.Println(err)
		}
	}
	return nil
}

// The init passes signals on, reaps orphans, and ends as the program does.
func TestInit(t *testing.T) {
	t.Parallel()
	needsRoot(t)
	needs(t, "/bin/sh")
	want := "pid 2, parent 1 memfd:init\nno zombie\ncode 7\nterminated\nstatus 0x500\nstatus 0x8f00\nexec /nowhere: no such file or directory\n"
	flavours(t, func(t *testing.T, f Flavour) {
		r := tree(t, "init", f, t.TempDir())
		got := regexp.MustCompile(`of \d+`).ReplaceAllStringFunc(r.Out, func(of string) string {
			pid, _ := strconv.Atoi(of[3:])
			return fmt.Sprintf("%#x", int(r.status(t, pid)))
		})
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}

func inits(m *manager) error {
	c := boxed(m.arg)
	var err error
	if c.Init, err = Stub(); err != nil {
		return err
	}
	out, err := output(Spec{Path: "/bin/sh", Env: []string{"PATH=/bin"}, Container: c, Args: []string{"sh", "-c", `echo pid $$, parent $PPID $(cat /proc/1/comm)
(sh -c 'true & exec sleep 0.01' &)
sleep 0.1
grep -l '^State:.*zombie' /proc/[0-9]*/status 2>/dev/null || echo no zombie
sh -c 'exit 7'; echo code $?
trap 'echo terminated; exit 5' TERM
kill -TERM 1
while :; do sleep 0.01; done`}}, m.start)
	if err != nil {
		return err
	}
	fmt.Print(out)
	fmt.Println("status of", m.slots[0].Started())
	if _, err = output(Spec{Path: "/bin/sh", Args: []string{"sh", "-c", "kill -TERM $$"}, Container: c}, m.start); err != nil {
		return err
	}
	fmt.Println("status of", m.slots[0].Started())
	if _, err = output(Spec{Path: "/nowhere", Container: c}, m.start); err != nil {
		fmt.Println(err)
	}
	return nil
}
