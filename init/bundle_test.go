package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// The same bundle, run by runc and by Orderly, must look the same from inside.
func TestBundleAsByRunc(t *testing.T) {
	t.Parallel()
	lookAtSources()
	if os.Geteuid() != 0 {
		t.Skip("needs root: namespaces")
	}
	runc, err := exec.LookPath("runc")
	if err != nil {
		t.Skip("needs runc, as the oracle (apt-get install runc)")
	}
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, d := range []string{dir, filepath.Dir(dir)} { // who is mapped must reach it
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	config := "initial_target = \"full\"\n[defaults.component]\nkind = \"oneshot\"\nrecovery = { attempts = 0, then = \"stop\" }\n"
	var names []string
	for name, change := range bundles(dir) {
		makeBundle(t, runc, filepath.Join(dir, name), change)
		config += fmt.Sprintf("[component.%s]\noutput = { stdout = %q }\ncontainer = { bundle = %q }\n",
			name, "file:"+filepath.Join(dir, name, "orderly"), filepath.Join(dir, name))
		names = append(names, fmt.Sprintf("%q", name))
	}
	config += "[target.full]\nwants = [" + strings.Join(names, ", ") + "]\n"
	r := supervise(t, config)
	for name := range bundles(dir) {
		t.Run(name, func(t *testing.T) {
			in := filepath.Join(dir, name)
			id := fmt.Sprintf("orderly-test-%d-%s", os.Getpid(), name)
			cmd := exec.Command(runc, "--root", filepath.Join(dir, "runc"), "run", "--bundle", in, id)
			var errors strings.Builder
			cmd.Stderr = &errors
			out, err := cmd.Output()
			if err != nil {
				t.Skipf("needs a runc that can run this bundle here: %v: %s", err, errors.String())
			}
			r.reaches(name, "ready")
			got, err := os.ReadFile(filepath.Join(in, "orderly"))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(comparable(string(out)), comparable(string(got))); diff != "" {
				t.Errorf("from inside, runc (-) and Orderly (+):\n%s", diff)
			}
			if strings.Count(string(got), "\n") < 60 {
				t.Errorf("only:\n%s", got)
			}
		})
	}
}

// reaches waits for the state of a component.
func (r *running) reaches(name, state string) {
	r.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		for _, c := range r.status().Components {
			switch {
			case c.Name != name:
			case c.State == state:
				return
			case c.State == "failed" || time.Now().After(deadline):
				r.Fatalf("%s is %s: %s", name, c.State, c.Reason)
			}
		}
	}
}

// makeBundle makes what `runc spec` does, changed, with the tests' program in its root.
func makeBundle(t *testing.T, runc, dir string, change func(*specs.Spec)) {
	t.Helper()
	for _, d := range []string{"bin", "tmp", "kept", "data", "etc"} {
		if err := os.MkdirAll(filepath.Join(dir, "rootfs", d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	program, err := os.ReadFile(filepath.Join(filepath.Dir(binary), "prog"))
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{"bin/prog": program, "kept/file": []byte("kept\n"), "secret": []byte("secret\n")} {
		if err := os.WriteFile(filepath.Join(dir, "rootfs", name), data, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(runc, "spec")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("runc spec: %v: %s", err, out)
	}
	path := filepath.Join(dir, "config.json")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var s specs.Spec
	if err := json.Unmarshal(text, &s); err != nil {
		t.Fatal(err)
	}
	s.Process.Terminal, s.Process.Args, s.Root.Readonly = false, []string{"/bin/prog", "describe"}, false
	s.Process.Capabilities.Ambient = nil
	if change(&s); s.Linux.UIDMappings != nil {
		err = chownAll(filepath.Join(dir, "rootfs"), int(s.Linux.UIDMappings[0].HostID))
	}
	text, jsonErr := json.MarshalIndent(s, "", "  ")
	if err != nil || jsonErr != nil || os.WriteFile(path, text, 0o644) != nil {
		t.Fatal(err, jsonErr)
	}
}

func chownAll(dir string, id int) error {
	return filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
		if err == nil {
			err = os.Lchown(path, id, id)
		}
		return err
	})
}

// comparable leaves out what a runtime may choose: HOME, which runc adds; the flags of what hides a directory; whose /dev/mqueue is in a
// user namespace, which depends on when its IPC namespace is made.
func comparable(out string) []string {
	out = regexp.MustCompile(`(?m)^env .*$`).ReplaceAllStringFunc(out, func(line string) string {
		return strings.Join(strings.Fields(regexp.MustCompile(`HOME=\S*`).ReplaceAllString(line, "")), " ")
	})
	out = regexp.MustCompile(`(?m)^pid \d\d+ `).ReplaceAllString(out, "pid of the machine ")
	out = regexp.MustCompile(`(?m)^(dev mqueue \S+) \d+:`).ReplaceAllString(out, "$1 ")
	// the root of a user namespace has no devices with us, which engines leave to who made the root
	out = regexp.MustCompile(`(?m)^(mount / \S+ )nodev,`).ReplaceAllString(out, "$1")
	out = regexp.MustCompile(`(?m)^mount (/sys/firmware|/secrets?|/proc/acpi) .*\n`).ReplaceAllString(out, "")
	return strings.Split(out, "\n")
}

// bundles are changes to what runc writes, by a name.
func bundles(dir string) map[string]func(*specs.Spec) {
	return map[string]func(*specs.Spec){
		"plain":    func(*specs.Spec) {},
		"readonly": func(s *specs.Spec) { s.Root.Readonly = true },
		"nobody":   func(s *specs.Spec) { s.Process.Capabilities = nil },
		"user": func(s *specs.Spec) {
			mask, score := uint32(0o27), 123
			s.Process.User = specs.User{UID: 33, GID: 34, AdditionalGids: []uint32{35, 7}, Umask: &mask}
			s.Process.Cwd, s.Process.OOMScoreAdj, s.Process.Env = "/tmp", &score, []string{"PATH=/bin", "B=2", "A=1"}
			s.Process.Rlimits = []specs.POSIXRlimit{{Type: "RLIMIT_CORE", Soft: 0, Hard: 10}, {Type: "RLIMIT_NPROC", Soft: 1000, Hard: 2000}, {Type: "RLIMIT_NOFILE", Soft: 99, Hard: 99}}
			some := []string{"CAP_KILL", "CAP_NET_BIND_SERVICE"}
			s.Process.Capabilities = &specs.LinuxCapabilities{Bounding: append(some, "CAP_CHOWN"), Permitted: some, Effective: some[:1], Inheritable: some, Ambient: some[1:]}
		},
		"mounts": func(s *specs.Spec) {
			s.Mounts = append(s.Mounts,
				specs.Mount{Destination: "/tmp", Type: "tmpfs", Source: "tmpfs", Options: []string{"nosuid", "noexec", "nodev", "mode=1777", "size=1m"}},
				specs.Mount{Destination: "/bound", Type: "bind", Source: filepath.Join(dir, "mounts", "rootfs", "data"), Options: []string{"rbind", "ro", "nosuid", "noatime"}},
				specs.Mount{Destination: "/more/deep", Type: "bind", Source: filepath.Join(dir, "mounts", "rootfs", "data"), Options: []string{"bind", "nodev", "rprivate"}},
				specs.Mount{Destination: "/etc/file", Type: "bind", Source: filepath.Join(dir, "mounts", "rootfs", "secret"), Options: []string{"bind", "ro"}},
				specs.Mount{Destination: "/kept", Type: "tmpfs", Source: "tmpfs", Options: []string{"tmpcopyup", "nosuid"}},
			)
		},
		"devices": func(s *specs.Spec) {
			mode, id := os.FileMode(0o640), uint32(5)
			s.Linux.Devices = []specs.LinuxDevice{
				{Path: "/dev/fuse", Type: "c", Major: 10, Minor: 229, FileMode: &mode, UID: &id, GID: &id},
				{Path: "/dev/disk", Type: "b", Major: 259, Minor: 1}, {Path: "/dev/pipe", Type: "p"}, {Path: "/dev/null", Type: "c", Major: 1, Minor: 3, FileMode: &mode},
			}
		},
		"masked": func(s *specs.Spec) {
			s.Linux.MaskedPaths = append(s.Linux.MaskedPaths, "/secret", "/nowhere")
			s.Linux.ReadonlyPaths = append(s.Linux.ReadonlyPaths, "/kept", "/nowhere")
		},
		"settings": func(s *specs.Spec) {
			s.Linux.Sysctl = map[string]string{"net.ipv4.ip_forward": "1", "kernel.shmmax": "65536", "fs.mqueue.msg_max": "20"}
		},
		"mapped": func(s *specs.Spec) {
			s.Linux.Namespaces = append(s.Linux.Namespaces, specs.LinuxNamespace{Type: specs.UserNamespace}, specs.LinuxNamespace{Type: specs.CgroupNamespace})
			s.Linux.UIDMappings = []specs.LinuxIDMapping{{ContainerID: 0, HostID: 200000, Size: 65536}}
			s.Linux.GIDMappings = s.Linux.UIDMappings
		},
		"filtered":   func(s *specs.Spec) { s.Linux.Seccomp = filterOf(specs.ActAllow) },
		"privileges": func(s *specs.Spec) { s.Linux.Seccomp, s.Process.NoNewPrivileges = filterOf(specs.ActAllow), false },
		"shared": func(s *specs.Spec) {
			s.Hostname = ""
			s.Linux.Namespaces = []specs.LinuxNamespace{{Type: specs.MountNamespace}, {Type: specs.NetworkNamespace, Path: "/proc/self/ns/net"}}
			s.Mounts = s.Mounts[:4]
		},
	}
}

// filterOf forbids calls in several ways: all of a call, some of its arguments, two of the same argument, and by a mask.
func filterOf(otherwise specs.LinuxSeccompAction) *specs.LinuxSeccomp {
	no, odd := uint(unix.EOPNOTSUPP), uint(unix.EINVAL)
	return &specs.LinuxSeccomp{DefaultAction: otherwise, Architectures: []specs.Arch{specs.ArchX86_64, specs.ArchX86, specs.ArchX32}, Syscalls: []specs.LinuxSyscall{
		{Names: []string{"getpgid"}, Action: specs.ActErrno, ErrnoRet: &no},
		{Names: []string{"personality"}, Action: specs.ActErrno, ErrnoRet: &odd, Args: []specs.LinuxSeccompArg{{Index: 0, Value: 8, Op: specs.OpEqualTo}}},
		{Names: []string{"mkdirat"}, Action: specs.ActErrno, Args: []specs.LinuxSeccompArg{{Index: 2, Value: 0o700, ValueTwo: 0o700, Op: specs.OpMaskedEqual}}},
		{Names: []string{"sethostname"}, Action: specs.ActErrno, ErrnoRet: &no, Args: []specs.LinuxSeccompArg{
			{Index: 1, Value: 5, Op: specs.OpEqualTo}, {Index: 1, Value: 6, Op: specs.OpEqualTo},
		}},
		{Names: []string{"no_such_call"}, Action: specs.ActAllow},
	}}
}
