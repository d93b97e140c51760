// Package orderly holds the tests that are about the whole repository.
package orderly

import (
	"encoding/json"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/orderly-init/orderly/"

// allowed is the map: what each package may import of ours, and of others beyond the standard library.
var allowed = map[string]string{
	"targets":                 "runtime/calls github.com/BurntSushi/toml",
	"supervisor":              "targets",
	"supervisor/sim":          "supervisor targets",
	"runtime":                 "runtime/internal/nofile golang.org/x/sys/unix",
	"runtime/calls":           "",
	"runtime/boot":            "internal/durable runtime",
	"runtime/container":       "runtime golang.org/x/sys/unix",
	"runtime/oci":             "runtime runtime/calls runtime/container runtime/seccomp github.com/opencontainers/runtime-spec/specs-go golang.org/x/sys/unix",
	"runtime/seccomp":         "runtime/calls github.com/moby/profiles/seccomp github.com/opencontainers/runtime-spec/specs-go golang.org/x/net/bpf golang.org/x/sys/unix",
	"runtime/ready":           "golang.org/x/sys/unix",
	"cgroups":                 "github.com/moby/sys/mountinfo golang.org/x/sys/unix",
	"netns":                   "github.com/google/nftables github.com/google/nftables/binaryutil github.com/google/nftables/expr github.com/mdlayher/netlink github.com/vishvananda/netlink golang.org/x/net/dns/dnsmessage golang.org/x/sys/unix",
	"internal/durable":        "",
	"conformance/launch":      "conformance/oracle golang.org/x/sys/unix",
	"conformance/oracle":      "control github.com/google/go-cmp/cmp golang.org/x/sys/unix",
	"control":                 "golang.org/x/sys/unix",
	"init/poll":               "golang.org/x/sys/unix",
	"init/binary":             "golang.org/x/sys/unix",
	"init/journal":            "",
	"init/logs":               "init/poll golang.org/x/sys/unix",
	"init/watchdog":           "golang.org/x/sys/unix",
	"init/keeper":             "init/binary init/poll init/watchdog golang.org/x/sys/unix",
	"init/boot":               "internal/durable supervisor targets github.com/moby/sys/mountinfo golang.org/x/sys/unix",
	"init/manager":            "cgroups control init/boot init/journal init/keeper init/logs init/poll internal/durable netns runtime runtime/boot runtime/calls runtime/container runtime/oci runtime/ready runtime/seccomp supervisor targets github.com/moby/sys/user github.com/opencontainers/runtime-spec/specs-go golang.org/x/sys/unix",
	"init/inspect":            "runtime runtime/oci targets golang.org/x/sys/unix",
	"init/command":            "control init/binary init/inspect init/manager init/poll runtime runtime/container supervisor targets github.com/spf13/cobra golang.org/x/sys/unix",
	"init":                    "control init/boot init/command init/keeper init/manager init/poll init/watchdog supervisor github.com/coreos/go-systemd/v22/daemon golang.org/x/sys/unix",
	"runtime/internal/nofile": "",
}

// conformance is what the suite may import: its launcher, its oracles and the public interface, and nothing of the inside.
const conformance = "conformance/launch conformance/oracle control github.com/google/go-cmp/cmp golang.org/x/sys/unix"

func TestImportsFollowTheMap(t *testing.T) {
	t.Parallel()
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports,TestImports", "./...").Output()
	if err != nil {
		t.Fatal(err)
	}
	dec := json.NewDecoder(strings.NewReader(string(out)))
	for {
		var p struct {
			ImportPath  string
			Imports     []string
			TestImports []string
		}
		if err := dec.Decode(&p); err == io.EOF {
			return
		} else if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimPrefix(p.ImportPath, module)
		may, known := allowed[name]
		if name == "conformance" {
			may, known, p.Imports = conformance, true, p.TestImports
		}
		if !known {
			continue // tests, tools, examples: they may import what they like
		}
		for _, imp := range p.Imports {
			own := strings.HasPrefix(imp, module)
			foreign := strings.Contains(strings.SplitN(imp, "/", 2)[0], ".")
			imp = strings.TrimPrefix(imp, module)
			if (own || foreign) && !slices.Contains(strings.Fields(may), imp) {
				t.Errorf("%s imports %s, which the map does not allow", name, imp)
			}
		}
	}
}
