package runtime

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// Optional parts that fail are noted and left out; what follows is done, and
// what is not optional still ends the start.
func TestOptionalParts(t *testing.T) {
	t.Parallel()
	needsRoot(t)
	needs(t, "/bin/true")
	want := strings.Join([]string{
		"[]",
		"[optional step cpus: invalid argument optional step read_only_paths: no such file or directory]",
		"private tmp /tmp",
		"[optional step limits: operation not permitted optional step landlock: no such file or directory]",
		"seccomp: invalid argument",
		"mounts of the host are the same", "",
	}, "\n")
	flavours(t, func(t *testing.T, f Flavour) {
		if diff := cmp.Diff(want, tree(t, "optional", f, "").Out); diff != "" {
			t.Error(diff)
		}
	})
}

func optionalParts(m *manager) error {
	before, err := mounted("/tmp", "/var/tmp", "/etc")
	if err != nil {
		return err
	}
	bits := func(parts ...Part) (set uint32) {
		for _, p := range parts {
			set |= 1 << p
		}
		return set
	}
	for _, s := range []Spec{
		{CPUs: []int{0}, Optional: bits(CPUsPart)},
		{CPUs: []int{1023}, ReadOnly: []string{"/nowhere", "/etc"}, PrivateTmp: true, Optional: bits(CPUsPart, ReadOnlyPart),
			Path: "/bin/sh", Args: []string{"sh", "-c", `test "$(stat -f -c %T /tmp)" = tmpfs && test ! -e /tmp/* && echo private tmp /tmp`}},
		{Limits: []Limit{{unix.RLIMIT_NOFILE, 1 << 31, 1 << 31}, {unix.RLIMIT_CORE, 0, 0}}, Optional: bits(LimitsPart, LandlockPart),
			Landlock: &Landlock{Read: []string{"/nowhere"}, Execute: []string{}}},
		{Filter: []uint64{0}, Optional: bits(LandlockPart)},
	} {
		if s.Path == "" {
			s.Path = "/bin/true"
		}
		out, err := output(s, m.start)
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Println(m.slots[0].Misses())
		fmt.Print(out)
	}
	after, err := mounted("/tmp", "/var/tmp", "/etc")
	if err == nil && slices.Equal(before, after) {
		fmt.Println("mounts of the host are the same")
	}
	return err
}

// mounted are the mounts at some places, see proc_pid_mountinfo(5).
func mounted(at ...string) ([]string, error) {
	b, err := os.ReadFile("/proc/self/mountinfo")
	var found []string
	for line := range strings.Lines(string(b)) {
		if slices.Contains(at, strings.Fields(line)[4]) {
			found = append(found, line)
		}
	}
	return found, err
}

// Landlock holds in the program: files by right, directories with what is
// below, and the paths are those of its own mounts.
func TestLandlock(t *testing.T) {
	t.Parallel()
	needs(t, "/bin/sh")
	if landlockVersion() < 4 {
		t.Skip("needs Landlock version 4 (Linux 6.7)")
	}
	flavours(t, func(t *testing.T, f Flavour) {
		dir := t.TempDir()
		want := "read\nno list\nwritten\nno write\nno execute\nno connection\nlandlock: nothing more\n"
		if diff := cmp.Diff(want, tree(t, "landlock", f, dir).Out); diff != "" {
			t.Error(diff)
		}
	})
}

func landlockRules(m *manager) error {
	file, data := m.arg+"/file", m.arg+"/data"
	if err := os.Mkdir(data, 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(file, []byte("read\n"), 0o755); err != nil {
		return err
	}
	s := Spec{Path: "/bin/sh", Env: []string{"PATH=/bin:/usr/bin", "DIR=" + m.arg}, NoNewPrivileges: true, Landlock: &Landlock{
		Read: []string{file, "/etc", "/proc", "/dev"}, Write: []string{data, "/dev/null"}, Execute: []string{"/usr", "/bin", "/lib"},
		TCPConnect: []int{},
	}}
	s.Args = []string{"sh", "-c", `cat $DIR/file
ls $DIR >/dev/null 2>&1 || echo no list
echo x > $DIR/data/new && echo written
(echo x > $DIR/other) 2>/dev/null || echo no write
$DIR/file 2>/dev/null || echo no execute`}
	out, err := output(s, m.start)
	if err != nil {
		return err
	}
	fmt.Print(out)
	if _, err := os.Stat("/usr/bin/bash"); err == nil {
		s.Path, s.Args = "/usr/bin/bash", []string{"bash", "-c", `(echo > /dev/tcp/127.0.0.1/9) 2>&1 | grep -q "Permission denied" && echo no connection`}
		if out, err = output(s, m.start); err != nil {
			return err
		}
	} else {
		out = "no connection\n"
	}
	fmt.Print(out)
	if m.slots[0].Misses() == nil {
		fmt.Println("landlock: nothing more")
	}
	return nil
}
