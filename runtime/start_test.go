package runtime

import (
	"errors"
	"fmt"
	"os"
	goruntime "runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

func scenarios() map[string]func(*manager) error {
	return map[string]func(*manager) error{
		"oracle":    oracle,
		"attrs":     attrs,
		"failing":   failing,
		"many":      many,
		"die":       die,
		"cgroup":    enterCgroup,
		"memory":    withoutMemory,
		"files":     files,
		"bench":     bench,
		"limit":     startWithLimits,
		"kill":      killing,
		"pty":       terminal,
		"limits":    everyLimit,
		"sched":     schedulings,
		"actions":   doActions,
		"caps":      capabilitySets,
		"optional":  optionalParts,
		"landlock":  landlockRules,
		"container": containers,
		"hostile":   hostile,
		"injected":  injected,
		"init":      inits,
	}
}

func flavours(t *testing.T, f func(*testing.T, Flavour)) {
	for _, v := range []Flavour{Nested, Cow} {
		t.Run(v.String(), func(t *testing.T) { f(t, v) })
	}
}

func needs(tb testing.TB, paths ...string) {
	tb.Helper()
	for _, p := range paths {
		if _, err := os.Stat(p); err != nil {
			tb.Skip(err)
		}
	}
}

func needsRoot(tb testing.TB) {
	tb.Helper()
	if os.Geteuid() != 0 {
		tb.Skip("needs root")
	}
}

// The standard library starts the same process; both must see the same.
func TestOracle(t *testing.T) {
	needs(t, "/bin/cat", "/bin/ls", "/bin/pwd")
	flavours(t, func(t *testing.T, f Flavour) {
		if out := tree(t, "oracle", f, "").Out; out != "" {
			t.Error(out)
		}
	})
}

func oracle(m *manager) error {
	see := [][]string{
		{"/bin/cat", "/proc/self/status", "/proc/self/limits", "/proc/self/cgroup", "/proc/self/oom_score_adj", "/proc/self/environ"},
		{"/bin/ls", "/proc/self/fd"},
		{"/bin/pwd"},
	}
	specs := []Spec{{}, {Dir: "/proc", Env: []string{"A=1", "B=", "A=2"}}}
	if os.Geteuid() == 0 {
		specs = append(specs, Spec{Credential: &Credential{UID: 1234, GID: 2345, Groups: []uint32{7, 9}}, Dir: "/"},
			Spec{Credential: &Credential{UID: 1, GID: 2}})
	}
	for i, s := range specs {
		for _, args := range see {
			s.Path, s.Args = args[0], args
			ours, err := output(s, m.start)
			if err != nil {
				return err
			}
			theirs, err := output(s, forkExec)
			if err != nil {
				return err
			}
			// what the caller was started ignoring, ForkExec passes on, and we do not
			if strings.Contains(ours, "SigIgn:") && !strings.Contains(ours, "SigIgn:\t0000000000000000\n") {
				fmt.Printf("spec %d: signals are ignored:\n%s\n", i, ours)
			}
			if a, b := stable(ours), stable(theirs); a != b {
				fmt.Printf("spec %d, %v:\n%s\nwant:\n%s\n", i, args, a, b)
			}
		}
	}
	return nil
}

func forkExec(s Spec) error {
	null, err := os.OpenFile("/dev/null", os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer null.Close()
	a := &syscall.ProcAttr{Dir: s.Dir, Env: s.Env, Sys: &syscall.SysProcAttr{Setsid: true},
		Files: []uintptr{null.Fd(), null.Fd(), null.Fd()}}
	for _, f := range s.Files {
		a.Files[f.Child] = uintptr(f.FD)
	}
	if c := s.Credential; c != nil {
		a.Sys.Credential = &syscall.Credential{Uid: c.UID, Gid: c.GID, Groups: c.Groups}
	}
	_, err = syscall.ForkExec(s.Path, s.Args, a)
	return err
}

// stable leaves out the lines of /proc/PID/status that differ from run to run.
func stable(out string) string {
	var keep []string
	for line := range strings.Lines(out) {
		key, _, _ := strings.Cut(line, ":")
		switch key {
		case "Pid", "PPid", "Tgid", "NStgid", "NSpid", "NSpgid", "NSsid", "FDSize", "SigQ", "SigIgn",
			"voluntary_ctxt_switches", "nonvoluntary_ctxt_switches":
			continue
		}
		if strings.HasPrefix(key, "Vm") || strings.HasPrefix(key, "Rss") {
			continue
		}
		keep = append(keep, line)
	}
	return strings.Join(keep, "")
}

// What the standard library cannot do, against the words of the kernel.
func TestAttributes(t *testing.T) {
	needs(t, "/bin/cat")
	flavours(t, func(t *testing.T, f Flavour) {
		r := tree(t, "attrs", f, "")
		for _, want := range []string{
			"Umask:\t0027\n", "SigBlk:\t0000000000000000\n", "SigIgn:\t0000000000000000\n",
			"Max open files 100 200 files \n", "Max core file size 0 unlimited bytes \n",
			"\n500\n", "X=1\x00ORDERLY_RUN=7\x00",
			"manager's oom score is untouched\n", "own session\n", "nice 5\n",
		} {
			if !strings.Contains(r.Out, want) {
				t.Errorf("no %q in\n%s", want, r.Out)
			}
		}
	})
}

func attrs(m *manager) error {
	ignoreForTest()
	m.host.Ignored = Probe().Ignored
	mask, score, nice := 0o27, 500, 5
	s := Spec{Path: "/bin/cat", Env: []string{"X=1", "ORDERLY_RUN=7"}, Umask: &mask, OOMScoreAdjust: &score, Nice: &nice,
		Limits: []Limit{{unix.RLIMIT_NOFILE, 100, 200}, {unix.RLIMIT_CORE, 0, Infinity}},
		Args:   []string{"cat", "/proc/self/status", "/proc/self/limits", "/proc/self/oom_score_adj", "/proc/self/environ"}}
	before, err := os.ReadFile("/proc/self/oom_score_adj")
	if err != nil {
		return err
	}
	out, err := output(s, m.start)
	if err != nil {
		return err
	}
	for line := range strings.Lines(out) {
		if strings.HasPrefix(line, "Max") {
			line = strings.Join(strings.Fields(line), " ") + " \n"
		}
		fmt.Print(line)
	}
	after, err := os.ReadFile("/proc/self/oom_score_adj")
	if err != nil {
		return err
	}
	if string(before) == string(after) {
		fmt.Println("\nmanager's oom score is untouched")
	}
	s.Args = []string{"cat", "/proc/self/stat"}
	if out, err = output(s, m.start); err != nil {
		return err
	}
	st, err := parseStat(out)
	if err != nil {
		return err
	}
	if st.Session == st.PID && st.PID == m.slots[0].Started() {
		fmt.Println("own session")
	}
	fmt.Println("nice", strings.Fields(out)[18])
	return nil
}

// ignoreForTest makes the caller ignore a signal, as under nohup(1).
func ignoreForTest() { ignore(syscall.SIGHUP, syscall.SIGUSR2, syscall.SIGPIPE) }

func TestFailingStep(t *testing.T) {
	plain := t.TempDir() + "/plain"
	noexec := t.TempDir() + "/noexec"
	for path, mode := range map[string]os.FileMode{plain: 0o644, noexec: 0o755} {
		if err := os.WriteFile(path, []byte("text\n"), mode); err != nil {
			t.Fatal(err)
		}
	}
	want := strings.Join([]string{
		"chdir /no/such: no such file or directory",
		"exec /no/such: no such file or directory",
		"exec " + plain + ": permission denied",
		"exec " + noexec + ": exec format error",
		"open /no/tty: no such file or directory",
		"control terminal /dev/null: inappropriate ioctl for device",
		"descriptor 1: bad file descriptor",
		"limit nofile: invalid argument",
		"oom score 5000: invalid argument",
		"set groups: operation not permitted",
		"drop capability chown: operation not permitted",
		"capabilities net_raw: operation not permitted",
	}, "\n") + "\n"
	flavours(t, func(t *testing.T, f Flavour) {
		r := tree(t, "failing", f, plain+" "+noexec)
		if r.Out != want {
			t.Errorf("got:\n%swant:\n%s", r.Out, want)
		}
		for pid, exits := range r.Exits {
			if ws := syscall.WaitStatus(exits[0]); ws.ExitStatus() != 0 && ws.ExitStatus() != 127 {
				t.Errorf("pid %d: status %#x", pid, exits)
			}
		}
	})
}

func failing(m *manager) error {
	plain, noexec, _ := strings.Cut(m.arg, " ")
	score := 5000
	for _, s := range []Spec{
		{Path: "/bin/true", Dir: "/no/such"},
		{Path: "/no/such"},
		{Path: plain},
		{Path: noexec},
		{Path: "/bin/true", Terminal: "/no/tty"},
		{Path: "/bin/true", Terminal: "/dev/null"},
		{Path: "/bin/true", Files: []File{{Child: 1, FD: 999}}},
		{Path: "/bin/true", Limits: []Limit{{unix.RLIMIT_NOFILE, 2, 1}}},
		{Path: "/bin/true", OOMScoreAdjust: &score},
	} {
		fmt.Println(m.start(s))
	}
	if os.Geteuid() == 0 {
		if err := syscall.Setresuid(1, 1, 1); err != nil {
			return err
		}
	}
	fmt.Println(m.start(Spec{Path: "/bin/true", Credential: &Credential{UID: 2, GID: 2}}))
	fmt.Println(m.start(Spec{Path: "/bin/true", Capabilities: []int{}}))
	fmt.Println(m.start(Spec{Path: "/bin/true", Ambient: []int{13}}))
	return nil
}

// Many starts that overlap, while the collector runs.
func TestMany(t *testing.T) {
	needs(t, "/bin/true")
	flavours(t, func(t *testing.T, f Flavour) {
		n := 2000
		if f == Cow || testing.Short() {
			n = 200
		}
		r := tree(t, "many", f, strconv.Itoa(n))
		started := strings.Fields(r.Out)
		if len(started) != n {
			t.Fatalf("%d starts, want %d", len(started), n)
		}
		for _, field := range started {
			pid, err := strconv.Atoi(field)
			if err != nil {
				t.Fatal(err)
			}
			if ws := r.status(t, pid); !ws.Exited() || ws.ExitStatus() != 0 {
				t.Errorf("pid %d: status %#x", pid, ws)
			}
		}
	})
}

func many(m *manager) error {
	n, err := strconv.Atoi(m.arg)
	if err != nil {
		return err
	}
	stop := pressure()
	defer stop()
	programs := make([]*Program, slotCount)
	started := make([]bool, slotCount)
	for i := range n + slotCount {
		k := i % slotCount
		if started[k] {
			if err := m.await(k); err != nil {
				return err
			}
			if err := Failure(programs[k].Steps(), &m.slots[k]); err != nil {
				return err
			}
			fmt.Println(m.slots[k].Started())
			started[k] = false
		}
		if i >= n {
			continue
		}
		s := Spec{Path: "/bin/true", Env: []string{"ORDERLY_RUN=" + strconv.Itoa(i)}}
		if programs[k] == nil {
			programs[k] = new(Program)
		}
		if err := programs[k].Load(m.host, s); err != nil {
			return err
		}
		if err := Start(programs[k], &m.slots[k], wakeFD); err != nil {
			return err
		}
		started[k] = true
	}
	if _, err := syscall.Wait4(-1, nil, syscall.WNOHANG|syscall.WALL, nil); !errors.Is(err, syscall.ECHILD) {
		return fmt.Errorf("the manager has children: %w", err)
	}
	return nil
}

// pressure collects garbage all the time until it is told to stop.
func pressure() func() {
	quit, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-quit:
				return
			default:
				_ = make([]byte, 1<<20)
				goruntime.GC()
			}
		}
	}()
	return func() { close(quit); <-done }
}

// A manager that dies right after its last clone: every child executes.
func TestManagerDies(t *testing.T) {
	needs(t, "/bin/true")
	flavours(t, func(t *testing.T, f Flavour) {
		r := tree(t, "die", f, "")
		for i := range r.Slots {
			s := &r.Slots[i]
			if !s.Ended() || s.errno() != 0 {
				t.Errorf("slot %d: %+v", i, s)
				continue
			}
			if ws := r.status(t, s.Started()); ws != 0 {
				t.Errorf("slot %d: status %#x", i, ws)
			}
		}
	})
}

func die(m *manager) error {
	programs := make([]*Program, slotCount)
	for i := range programs {
		p, err := Prepare(m.host, Spec{Path: "/bin/true"})
		if err != nil {
			return err
		}
		programs[i] = p
	}
	for i, p := range programs {
		if err := Start(p, &m.slots[i], wakeFD); err != nil {
			return err
		}
	}
	return syscall.Kill(os.Getpid(), syscall.SIGKILL)
}
