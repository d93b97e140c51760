package cgroups

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// interpret runs a program as the kernel would, with what is asked for. It knows only the operations that the program is of.
func interpret(t *testing.T, program []instruction, kind, access, major, minor uint32) bool {
	t.Helper()
	memory := map[int16]uint32{0: access<<16 | kind, 4: major, 8: minor}
	var r [11]uint32
	for at := 0; at < len(program); at++ {
		i := program[at]
		to, from := i.registers&15, i.registers>>4
		switch i.code {
		case opLoad:
			if from != regContext {
				t.Fatalf("instruction %d loads from register %d", at, from)
			}
			r[to] = memory[i.offset]
		case opCopy:
			r[to] = r[from]
		case opSet:
			r[to] = uint32(i.constant)
		case opAnd:
			r[to] &= uint32(i.constant)
		case opShift:
			r[to] >>= uint32(i.constant)
		case opUnless:
			if r[to] != uint32(i.constant) {
				at += int(i.offset)
			}
		case opEnd:
			return r[regResult] == 1
		default:
			t.Fatalf("instruction %d is %#x", at, i.code)
		}
	}
	t.Fatal("the program has no end")
	return false
}

// allows is what the rules mean, said in another way than the program does it.
func allows(rules []rule, kind, access, major, minor uint32) bool {
	for _, r := range rules {
		if (r.kind == 0 || uint32(r.kind) == kind) && (r.major < 0 || r.major == int64(major)) && (r.minor < 0 || r.minor == int64(minor)) &&
			access|uint32(r.access) == uint32(r.access) {
			return true
		}
	}
	return false
}

func TestDeviceProgramMeansTheRules(t *testing.T) {
	t.Parallel()
	for name, rules := range map[string][]DeviceRule{
		"nothing":          nil,
		"null":             {{'c', 1, 3, "rwm"}},
		"read only":        {{'b', 8, 0, "r"}},
		"any minor":        {{'c', 136, -1, "rw"}},
		"any device":       {{'a', -1, -1, "m"}},
		"two halves":       {{'c', 1, 3, "r"}, {'c', 1, 3, "w"}},
		"different halves": {{'c', 1, -1, "r"}, {'c', 1, 3, "w"}},
		"large numbers":    {{'b', 4095, 1<<32 - 1, "rw"}},
		"several":          {{'b', 8, 0, "r"}, {'b', 8, -1, "w"}, {'c', -1, 3, "m"}, {'a', 9, 9, "rwm"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			compiled, err := compileAll(rules)
			if err != nil {
				t.Fatal(err)
			}
			program := deviceProgram(compiled)
			for kind := range uint32(3) {
				for access := range uint32(8) {
					for _, major := range []uint32{0, 1, 8, 9, 136, 4095} {
						for _, minor := range []uint32{0, 3, 9, 1<<32 - 1} {
							got, want := interpret(t, program, kind, access, major, minor), allows(compiled, kind, access, major, minor)
							if got != want {
								t.Fatalf("kind %d access %d device %d:%d: %v, want %v", kind, access, major, minor, got, want)
							}
						}
					}
				}
			}
		})
	}
}

func TestReadOnlyIsReadOnly(t *testing.T) {
	t.Parallel()
	rules, err := compileAll([]DeviceRule{{'b', 8, 0, "r"}, {'c', 1, 3, "r"}, {'c', 1, 3, "w"}})
	if err != nil {
		t.Fatal(err)
	}
	p := deviceProgram(rules)
	for _, row := range []struct {
		kind, access, major, minor uint32
		want                       bool
	}{
		{deviceBlock, accessRead, 8, 0, true},
		{deviceBlock, accessWrite, 8, 0, false},
		{deviceBlock, accessRead | accessWrite, 8, 0, false},
		{deviceBlock, accessRead | accessMknod, 8, 0, false},
		{deviceChar, accessRead, 8, 0, false},
		{deviceChar, accessRead | accessWrite, 1, 3, true},
		{deviceChar, accessMknod, 1, 3, false},
	} {
		if got := interpret(t, p, row.kind, row.access, row.major, row.minor); got != row.want {
			t.Errorf("%+v: %v", row, got)
		}
	}
}

func TestBadDeviceRules(t *testing.T) {
	t.Parallel()
	for _, r := range []DeviceRule{{}, {'x', 1, 1, "r"}, {'c', 1, 1, ""}, {'c', 1, 1, "rx"}, {'c', -2, 1, "r"}, {'c', 1, 1 << 32, "r"}} {
		if _, err := compileAll([]DeviceRule{r}); err == nil {
			t.Errorf("%v is taken", r)
		}
	}
}

// TestDevicesAreRefused: the kernel takes the program, and mknod(2) and open(2) in the group, and below it, are what the rules say.
func TestDevicesAreRefused(t *testing.T) {
	tr := tree(t)
	dir := t.TempDir()
	for name, minor := range map[string]uint32{"null": 3, "zero": 5} {
		if err := unix.Mknod(filepath.Join(dir, name), unix.S_IFCHR|0o666, int(unix.Mkdev(1, minor))); err != nil {
			t.Skipf("needs CAP_MKNOD: %v", err)
		}
	}
	fd, err := tr.Make("svc")
	if err != nil {
		t.Fatal(err)
	}
	unix.Close(fd)
	if err := os.Mkdir(filepath.Join(tr.Path, "svc/inner"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := tr.AllowDevices("svc", []DeviceRule{{'c', 1, 3, "rw"}, {'c', 1, 5, "r"}}); errors.Is(err, unix.EPERM) || errors.Is(err, unix.ENOSYS) {
		t.Skipf("needs bpf(2): %v", err)
	} else if err != nil {
		t.Fatal(err)
	}
	if err := tr.AllowDevices("svc/inner", []DeviceRule{{'a', -1, -1, "rwm"}}); !errors.Is(err, unix.EPERM) {
		t.Errorf("a group below may have a filter of its own: %v", err)
	}
	script := func(group, line string) bool {
		cmd := exec.Command("/bin/sh", "-c", `echo $$ >"$1/cgroup.procs" && cd "$2" && `+line, "sh", filepath.Join(tr.Path, group), dir)
		out, err := cmd.CombinedOutput()
		if err != nil && !strings.Contains(string(out), "ermi") {
			t.Fatalf("%s: %v: %s", line, err, out)
		}
		return err == nil
	}
	for line, want := range map[string]bool{
		"exec 3<>null": true, "exec 3<zero": true, "exec 3>zero": false, "exec 3<>zero": false, "mknod x c 1 3": false, "mknod y c 1 7": false,
	} {
		for _, group := range []string{"svc", "svc/inner"} {
			if got := script(group, line); got != want {
				t.Errorf("%s in %s: %v, want %v", line, group, got, want)
			}
		}
	}
	if err := tr.AllowDevices("svc", []DeviceRule{{'c', 1, -1, "rwm"}}); err != nil {
		t.Fatalf("the second filter: %v", err)
	}
	if !script("svc", "exec 3>zero && mknod z c 1 5") {
		t.Error("the second filter is not in force")
	}
	for _, name := range []string{"other", "third"} { // with the same rules, then with others
		fd, err := tr.Make(name)
		if err != nil {
			t.Fatal(err)
		}
		unix.Close(fd)
	}
	if err := errors.Join(tr.AllowDevices("other", []DeviceRule{{'c', 1, -1, "rwm"}}), tr.AllowDevices("third", []DeviceRule{{'c', 1, 3, "r"}})); err != nil {
		t.Fatal(err)
	}
	for group, want := range map[string]bool{"svc": true, "other": true, "third": false} {
		if got := script(group, "exec 3>zero"); got != want {
			t.Errorf("write to zero in %s: %v, want %v", group, got, want)
		}
	}
}
