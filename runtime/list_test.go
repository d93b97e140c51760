package runtime

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// everything is a Spec with each attribute in it.
func everything() Spec {
	mask, score, nice := 0o27, -500, 5
	return Spec{
		Path: "/usr/sbin/flashd", Args: []string{"flashd", "--port", "1"}, Env: []string{"PATH=/bin", "ORDERLY_RUN=3"},
		Dir: "/data", Credential: &Credential{UID: 33, GID: 34, Groups: []uint32{7, 4000000000}}, Umask: &mask,
		Files: []File{{1, 7}, {2, 7}, {5, 1}}, Terminal: "/dev/tty1",
		Limits:         []Limit{{unix.RLIMIT_CORE, 0, Infinity}, {unix.RLIMIT_NPROC, 10, 20}},
		OOMScoreAdjust: &score, Nice: &nice, Cgroup: 9,
		Scheduler: &Scheduler{unix.SCHED_FIFO, 10}, CPUs: []int{0, 1, 65}, IO: &IOPriority{2, 3},
		Capabilities: except(0, 5, 31, 40), Ambient: []int{13, 33}, NoNewPrivileges: true,
		Securebits: 0x5, NoASLR: true, Filter: []uint64{6},
		AppArmor: "a//b", SELinux: "u:r:t:s0", ReadOnly: []string{"/", "/etc"}, PrivateTmp: true, PrivateDevices: true,
		Landlock: &Landlock{Read: []string{"/usr"}, Write: []string{"/data"}, Execute: []string{"/usr/bin"}, TCPBind: []int{80}, TCPConnect: []int{}},
	}
}

// deadlined has what excludes something of everything: a policy of times, and
// securebits without capabilities for them.
func deadlined() Spec {
	return Spec{
		Path: "/bin/true", Deadline: &Deadline{time.Millisecond, 2 * time.Millisecond, 3 * time.Millisecond}, NoASLR: true,
		Securebits: 0xf, Credential: &Credential{UID: 33, GID: 34}, Filter: []uint64{6, 7},
		ReadOnly: []string{"/etc"}, PrivateTmp: true, SELinux: "t", Landlock: &Landlock{TCPBind: []int{1}}, Limits: []Limit{{4, 0, 0}, {7, 1, 2}},
		Optional: 1<<ReadOnlyPart | 1<<TmpPart | 1<<PolicyPart | 1<<SELinuxPart | 1<<LandlockPart | 1<<LimitsPart | 1<<SecurebitsPart | 1<<FilterPart,
	}
}

func everyAction() []Action {
	return []Action{
		MakeDirectory{Path: "/data/can", Mode: 0o750, Owner: &Owner{1, 2}}, Symlink{"/run", "/var/run"}, Write{"/proc/sys/x", "1"},
		Hostname{"ecu"}, ChangeOwner{[]string{"/a"}, Owner{3, 4}}, ChangeMode{[]string{"/a"}, 0o600}, Remove{[]string{"/b"}},
		LoadModules{[]ModuleFile{{"/m/a.ko", "x=1", false, true}, {"/m/b.ko.xz", "", true, false}}},
		Mount{"/dev/vda", "/mnt", "ext4", "a=b", unix.MS_NOSUID, unix.MS_RDONLY, unix.MS_SHARED, true}, Unmount{"/mnt", true},
	}
}

// except are all capabilities but these.
func except(dropped ...int) []int {
	var list []int
	for n := range lastKnown + 1 {
		if !slices.Contains(dropped, n) {
			list = append(list, n)
		}
	}
	return list
}

func TestPrintedList(t *testing.T) {
	t.Parallel()
	update := os.Getenv("UPDATE") != ""
	for _, row := range []struct {
		name string
		spec Spec
		host Host
	}{
		{"least", Spec{Path: "/bin/true"}, Host{}},
		{"nested", everything(), Host{Ignored: []int{1, 13}, OpenFiles: Limit{unix.RLIMIT_NOFILE, 1024, 4096}}},
		{"actions", Spec{Actions: everyAction()}, Host{}},
		{"deadline", deadlined(), Host{Personality: 8, TimerSlack: 50000}},
		{"cow", everything(), Host{Flavour: Cow, OpenFiles: Limit{unix.RLIMIT_NOFILE, 1024, 4096}}},
	} {
		var b strings.Builder
		for _, s := range row.spec.Steps(row.host) {
			b.WriteString(s.String() + "\n")
		}
		file := "testdata/" + row.name + ".golden"
		if update {
			if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), b.String()); diff != "" {
			t.Errorf("%s:\n%s", row.name, diff)
		}
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	for want, s := range map[string]Spec{
		"start /x: credential 4294967295:1: not an id":         {Path: "/x", Credential: &Credential{UID: ^uint32(0), GID: 1}},
		"start /x: capability 41: the kernel does not have it": {Path: "/x", Capabilities: []int{41}},
		"start /x: capability -1: the kernel does not have it": {Path: "/x", Ambient: []int{-1}},
		"start /x: cpu -1: negative":                           {Path: "/x", CPUs: []int{-1}},
		"start /x: descriptor 1: given twice":                  {Path: "/x", Files: []File{{1, 2}, {1, 3}}},
		"start /x: descriptor 1 from -1: negative":             {Path: "/x", Files: []File{{1, -1}}},
		`start /x: exec /x: "a\x00b": invalid argument`:        {Path: "/x", Args: []string{"a\x00b"}},
	} {
		if _, err := Prepare(Host{}, s); message(err) != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}
