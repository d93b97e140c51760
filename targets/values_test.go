package targets

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// TestEveryKey reads a file with every key and compares the values.
func TestEveryKey(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("testdata/every-key.toml")
	if err != nil {
		t.Fatal(err)
	}
	got, problems := Load([]Source{{Path: "every-key.toml", Data: data}})
	if problems != nil {
		t.Fatal(problems)
	}
	if diff := cmp.Diff(everyKey(), got, cmpopts.IgnoreFields(Component{}, "Start")); diff != "" {
		t.Errorf("configuration (-want +got):\n%s", diff)
	}
}

func everyKey() *Config {
	base := defaultComponent()
	base.StartTimeout, base.StopTimeout = 5*time.Second, 0
	base.Environment = []Setting{{"LANG", "C"}, {"PATH", "/bin"}}
	base.Recovery.Attempts, base.Recovery.Backoff = 3, 3
	base.Ready = Ready{When: Notified, PollInterval: 20 * time.Millisecond, ProbeTimeout: time.Second}
	named := func(name string, change func(*Component)) Component {
		c := base
		c.Name = name
		c.Command = []string{"/bin/" + name}
		change(&c)
		return c
	}
	return &Config{
		InitialTarget:          "full",
		FallbackTarget:         "safe",
		OnFallbackFailure:      FallbackCommand,
		FallbackFailureCommand: []string{"/sbin/last", "resort"},
		ShutdownTimeout:        90 * time.Second,
		StateDirectory:         "/data/orderly",
		RebootLimit:            5,
		RebootWindow:           time.Hour,
		Control:                Control{Group: "orderly", ReadGroup: "1000", Mode: 0o660},
		Filters:                []Filter{{Name: "loose", Default: "allow", Error: 1, Errno: []string{"reboot"}}, *strictFilter()},
		Log:                    Log{Directory: "/data/log", MaxSize: 64000, Console: Warning},
		System: System{
			Hostname:    "ecu-left.local",
			Modules:     []string{"virtio_net", "ext4"},
			Sysctl:      []Setting{{"kernel.panic", "10"}, {"net/ipv4/conf/eth0.1/forwarding", "1"}},
			MachineID:   "persistent",
			CtrlAltDel:  "ignore",
			PowerButton: "halt",
			Mounts: []Mount{
				{Source: "/dev/vda2", Target: "/data", Type: "ext4", Options: "noatime", Fsck: true},
				{Source: "tmpfs", Target: "/tmp", Type: "tmpfs"},
			},
		},
		Components: []Component{
			named("a", everything),
			named("b", func(c *Component) { c.Kind, c.StopSignal, c.Ready.When, c.Recovery.Action = Oneshot, 9, Exited, Ignore }),
			named("c", func(c *Component) { c.Ready.When, c.Ready.FD = FD, 3 }),
			named("d", func(c *Component) {
				c.Ready.When, c.Ready.Network, c.Ready.Address = Socket, "tcp", "[::1]:80"
				c.EnvironmentFiles = []EnvironmentFile{{"/etc/d", true}}
			}),
			named("e", func(c *Component) {
				c.Scheduling = Scheduling{Policy: "idle", Nice: at(0), IOClass: "best-effort", IOPriority: 4, OOMScoreAdjust: at(0)}
				c.StartConditions = everyStartCondition()
				c.Notify, c.Ready.When, c.Ready.Condition = true, Raised, "bus-up"
			}),
			named("f", func(c *Component) {
				c.Ready.When, c.Ready.Address, c.Ready.Path, c.Ready.ProbeTimeout = HTTP, "127.0.0.1:8080", "/healthz?a=b", 2*time.Second
				c.Recovery.MaxDelay, c.Recovery.Delay = 50*time.Millisecond, 50*time.Millisecond
				c.Security.Capabilities = []int{}
				c.After = []string{"b"}
				c.StartConditions = []StartCondition{{Kind: TestExit, Subject: "b", Code: 3, PollInterval: defaultPoll, ProbeTimeout: defaultConditionProbe}}
			}),
		},
		Targets: []Target{
			{Name: "full", Edges: Edges{DependsOn: []string{"a"}, Wants: []string{"safe"}}, Recovery: "safe"},
			{Name: "safe", Description: "little", Edges: Edges{DependsOn: []string{"c"}}, TransitionTimeout: time.Minute},
		},
	}
}

func everyStartCondition() []StartCondition {
	list := []StartCondition{
		{Kind: TestFile, Subject: "/run/x", Timeout: 3 * time.Second, Skip: true, PollInterval: 20 * time.Millisecond},
		{Kind: TestAbsent, Subject: "/run/y"}, {Kind: TestGlob, Subject: "/dev/input/event*"}, {Kind: TestDevice, Subject: "/dev/vda"},
		{Kind: TestInterface, Subject: "can0"}, {Kind: TestRaised, Subject: "can-up"}, {Kind: TestEnv, Subject: "LANG=C"}, {Kind: TestKernelArg, Subject: "quiet"},
		{Kind: TestCommand, Command: []string{"/bin/test", "-e", "x"}, ProbeTimeout: 2 * time.Second},
	}
	for i := range list {
		if list[i].PollInterval == 0 {
			list[i].PollInterval = defaultPoll
		}
		if list[i].ProbeTimeout == 0 {
			list[i].ProbeTimeout = defaultConditionProbe
		}
	}
	return list
}

func at(n int) *int { return &n }

func everything(c *Component) {
	c.Description = "everything"
	c.Process = Process{
		Command:             []string{"a", "-x", ""},
		Environment:         []Setting{{"B", ""}, {"LANG", "C"}, {"PATH", "/usr/bin"}},
		PassEnvironment:     []string{"TZ"},
		EnvironmentFiles:    []EnvironmentFile{{"/etc/a", false}, {"/etc/b", true}},
		WorkingDirectory:    "/data",
		User:                "can",
		Group:               "1000",
		SupplementaryGroups: []string{},
		Umask:               0o077,
		OwnUmask:            true,
		Terminal:            "/dev/ttyAMA0",
		Output:              Output{Stdout: "file:/data/out", Stderr: "console", Stdin: "console", RateLimit: 64 << 10},
		Limits:              []Limit{{0, 10, 10}, {4, Unlimited, Unlimited}, {7, 1024, 4096}, {9, 64 << 20, Unlimited}, {15, 200000, 200000}},
		Scheduling: Scheduling{
			Policy: "rr", Priority: 99, Nice: at(-20), CPUs: []int{0, 1, 2, 5}, IOClass: "realtime", OOMScoreAdjust: at(-1000),
		},
		Security: Security{
			Capabilities: []int{0, 13, 40}, AmbientCapabilities: []int{13}, NoNewPrivileges: true, Securebits: 1<<0 | 1<<3, NoASLR: true,
			Seccomp: "strict", Filter: strictFilter(),
			SELinuxLabel: "system_u:system_r:a_t:s0", ReadOnlyPaths: []string{"/", "/data"}, PrivateTmp: true, PrivateDevices: true,
			Landlock: &Landlock{Read: []string{"/etc"}, Write: []string{}, Execute: []string{"/usr"}, TCPBind: []int{80, 443}, TCPConnect: []int{}},
		},
	}
	c.OptionalSteps = []string{"limits", "nice", "seccomp"}
	c.Edges = Edges{
		DependsOn: []string{"c", "b"}, DependsOnAny: []string{"d"}, Wants: []string{"e"}, After: []string{"safe"}, Conflicts: []string{"f"},
	}
	c.StartTimeout, c.StopTimeout = 1500*time.Millisecond, 250*time.Millisecond
	c.StopSignal, c.ReloadSignal = 2, 37
	c.StopCommand, c.ReloadCommand = []string{"/bin/stop"}, []string{"/bin/reload"}
	c.SuccessExitCodes = []int{0, 7}
	c.OnDependencyFailure = RestartIt
	c.Ready = Ready{When: File, Path: "/run/a", Absent: true, PollInterval: 20 * time.Millisecond, ProbeTimeout: time.Second}
	c.Recovery = Recovery{
		Action: Restart, Window: time.Hour, Delay: 20 * time.Second, Backoff: 3, MaxDelay: 20 * time.Second,
		Jitter: 0.25, Then: Activate, Target: "safe",
	}
	c.AbortSignal = 11
	c.Heartbeat = Heartbeat{Via: ViaNotify, Window: 500 * time.Millisecond, Min: 2, Max: 9, Tolerance: 3}
	c.NoRestartExitCodes, c.RebootExitCodes = []int{3, 125}, []int{88}
	early := c.Recovery
	early.Attempts, early.Then, early.Replacement = 1, Replace, "e"
	c.StartRecovery = &early
}

func strictFilter() *Filter {
	return &Filter{Name: "strict", Default: "errno", Error: 38, Allow: []string{"_newselect", "read", "write"}, Kill: []string{"ptrace"}}
}

// TestMerge loads two layers with drop-ins: tables merge, lists and values are replaced, the last class wins.
func TestMerge(t *testing.T) {
	t.Parallel()
	cfg, problems := Load([]Source{
		{Path: "2/x.d/a.toml", Layer: 1, DropIn: true, Data: []byte("[component.a]\numask = '0004'\n")},
		{Path: "2/a.toml", Layer: 1, Data: []byte("component.a.umask = '0003'\ncomponent.a.environment.B = '3'\n")},
		{Path: "1/x.d/a.toml", DropIn: true, Data: []byte("[component.a]\numask = '0002'\nuser = 'two'\nenvironment = { C = '2' }\n")},
		{Path: "1/b.toml", Data: []byte("[component.a]\nuser = 'one'\nafter = ['b']\n[component.b]\ncommand = ['/b']\n")},
		{Path: "1/a.toml", Data: []byte("[component.a]\ncommand = ['/a', '-v']\numask = '0001'\nenvironment = { A = '1', B = '1' }\n[target.t]\n")},
		{Path: "2/b.toml", Layer: 1, Data: []byte("[component.a]\ncommand = ['/aa']\n")},
	})
	if problems != nil {
		t.Fatal(problems)
	}
	want := defaultComponent()
	want.Name, want.Command, want.Umask, want.OwnUmask, want.User = "a", []string{"/aa"}, 4, true, "two"
	want.Environment = []Setting{{"A", "1"}, {"B", "3"}, {"C", "2"}}
	want.After = []string{"b"}
	if diff := cmp.Diff(want, cfg.Components[0], cmpopts.IgnoreFields(Component{}, "Start")); diff != "" {
		t.Errorf("component a (-want +got):\n%s", diff)
	}
	if cfg.InitialTarget != "t" {
		t.Errorf("initial target %q, want the only one", cfg.InitialTarget)
	}
}

// TestTemplates: defaults, then the templates from the far end, then the component; %i in an instance is its name.
func TestTemplates(t *testing.T) {
	t.Parallel()
	cfg, problems := Load([]Source{{Path: "a.toml", Data: []byte(`
[defaults.component]
umask = "0001"
user = "nobody"
environment = { A = "defaults", B = "defaults", C = "defaults", D = "defaults" }
[template.far]
user = "far"
group = "far"
environment = { B = "far", C = "far", D = "far" }
command = ["/far"]
instances = ["left", "right"]
[template.near]
template = "far"
group = "near"
environment = { C = "near %i", D = "near" }
wants = ["x-%i"]
[component.x]
template = "near"
environment = { D = "x %%i %i" }
after = ["y@left"]
instances = ["one"]
[component.x-one]
command = ["/bin/x", "%i", "%%i"]
[component.y]
template = "near"
wants = []
[target.t]
`)}})
	if problems != nil {
		t.Fatal(problems)
	}
	var names []string
	for i := range cfg.Components {
		names = append(names, cfg.Components[i].Name)
	}
	if diff := cmp.Diff([]string{"x-one", "x@one", "y@left", "y@right"}, names); diff != "" {
		t.Fatalf("names (-want +got):\n%s", diff)
	}
	want := defaultComponent()
	want.Name, want.User, want.Group, want.Umask, want.OwnUmask = "x@one", "far", "near", 1, true
	want.Command, want.Wants, want.After = []string{"/far"}, []string{"x-one"}, []string{"y@left"}
	want.Environment = []Setting{{"A", "defaults"}, {"B", "far"}, {"C", "near one"}, {"D", "x %i one"}}
	if diff := cmp.Diff(want, cfg.Components[1], cmpopts.IgnoreFields(Component{}, "Start")); diff != "" {
		t.Errorf("x@one (-want +got):\n%s", diff)
	}
	if got := cfg.Components[0].Command; !slices.Equal(got, []string{"/bin/x", "%i", "%%i"}) {
		t.Errorf("without instances %%i means nothing: %q", got)
	}
}

// TestStartDigest changes one key at a time: those that a start uses change the digest, others do not.
func TestStartDigest(t *testing.T) {
	t.Parallel()
	load := func(extra string) uint64 {
		if !strings.HasPrefix(extra, "command") {
			extra = "command = ['/a', 'b']\n" + extra
		}
		cfg, problems := Load([]Source{{Path: "a.toml", Data: []byte("[component.a]\n" + extra + "\n[target.t]\n")}})
		if problems != nil {
			t.Fatal(extra, problems)
		}
		return cfg.Components[0].Start
	}
	plain := load("")
	for _, same := range []string{"", "stop_timeout = '1s'", "output.rate_limit = 5", "ready.file = '/x'", "recovery.attempts = 1", "description = 'x'",
		"resources.memory_max = '1MiB'", "resources = { cpu_max = '50%', pressure.cpu = 'some 1ms/1s', io_max = [{ path = '/', rbps = 1 }] }"} {
		if load(same) != plain {
			t.Errorf("%s: a new start is wanted", same)
		}
	}
	seen := map[uint64]string{plain: "nothing"}
	for _, other := range []string{
		"command = ['/a', 'c']", "command = ['/ab']", "environment.A = 'b'", "pass_environment = ['A']", "environment.Ab = ''", "environment_file = '/a'", "environment_file = '-/a'", "working_directory = '/a'",
		"user = 'a'", "group = 'a'", "terminal = '/a'", "supplementary_groups = []", "supplementary_groups = ['a']", "umask = '0000'",
		"output.stdout = 'null'", "output.stderr = 'null'", "output.stdin = 'console'", "ready.when = 'notified'", "ready.fd = 3", "ready.fd = 4",
		"kind = 'oneshot'", "limits.nofile = 5", "limits.nofile = '4:5'", "limits.core = 5",
		"scheduling.policy = 'other'", "scheduling = { policy = 'fifo', priority = 1 }", "scheduling = { policy = 'fifo', priority = 2 }",
		"security.capabilities = []", "security.capabilities = ['chown']", "security.no_new_privileges = true",
		"security.aslr = false", "security.apparmor_label = 'a'", "security.selinux_label = 'a'", "security.read_only_paths = ['/']",
		"security.private_tmp = true", "security.private_devices = true", "security.landlock.execute = ['/']", "security.landlock.read = ['/']\nsecurity.landlock.execute = ['/']",
		"security.landlock.tcp_bind = []", "security.landlock.tcp_connect = []", "security.landlock.tcp_connect = [1]",
		"scheduling.nice = 2\noptional_steps = ['nice']", "scheduling.nice = 2", "security.seccomp = 'default'", "security.seccomp = 'x'\n[seccomp.x]\ndefault = 'allow'", "security.seccomp = 'x'\n[seccomp.x]\ndefault = 'kill'", "security.securebits = ['noroot']", "security.securebits = ['noroot_locked']",
		"scheduling = { policy = 'deadline', runtime = '1ms', deadline = '3ms' }", "scheduling = { policy = 'deadline', runtime = '2ms', deadline = '3ms' }",
		"scheduling = { policy = 'deadline', runtime = '1ms', deadline = '3ms', period = '4ms' }",
		"security = { capabilities = ['chown'], ambient_capabilities = ['chown'] }",
		"scheduling.nice = 0", "scheduling.nice = 1", "scheduling.oom_score_adjust = 0", "scheduling.cpus = '0'", "scheduling.cpus = '1'",
		"scheduling.io_class = 'idle'", "scheduling.io_class = 'realtime'", "scheduling = { io_class = 'realtime', io_priority = 1 }",
	} {
		got := load(other)
		if seen[got] != "" {
			t.Errorf("%s: the same digest as %s", other, seen[got])
		}
		seen[got] = other
	}
}

func TestSignals(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int{
		"TERM": 15, "SIGTERM": 15, "HUP": 1, "SYS": 31, "RTMIN": 34, "RTMIN+3": 37, "SIGRTMAX-1": 63, "RTMAX": 64, "9": 9,
	} {
		if got, what, _ := parseSignal(text); got != want || what != "" {
			t.Errorf("%s: got %d %q, want %d", text, got, what, want)
		}
	}
	for _, text := range []string{"", "SIG", "term", "RTMIN-1", "RTMIN+", "RTMIN+31", "RTMIN++1", "0", "65", "32", "-9", "SIG9"} {
		if got, what, _ := parseSignal(text); what == "" {
			t.Errorf("%q is signal %d", text, got)
		}
	}
}

func TestNearest(t *testing.T) {
	t.Parallel()
	among := []string{"canrouter", "camera", "full", "minimal", "modemgr", "safe", "a", "b", "tmp"}
	for _, row := range []struct {
		name string
		want []string
	}{
		{"canruoter", []string{"canrouter"}},
		{"Full", []string{"full"}},
		{"ful", []string{"full"}},
		{"mimial", []string{"minimal"}},
		{"tpm", []string{"tmp"}},
		{"telemetry", []string{}},
		{"c", []string{}},
		{"", []string{}},
	} {
		if diff := cmp.Diff(row.want, Nearest(row.name, among)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", row.name, diff)
		}
	}
}
