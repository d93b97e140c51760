package oci

import (
	"encoding/json"
	"time"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// Hook is a program that is run as a container comes or goes.
type Hook struct {
	Name      string // "createRuntime[0]"
	Path      string
	Args, Env []string      // the arguments begin with the name; without any it is the path
	Timeout   time.Duration // 0: none
}

// Hooks are those of a bundle by their time, each list in its order.
//
//	Prestart, CreateRuntime   all is there but the root is not the root yet   as the manager is
//	CreateContainer           the same                                        in the namespaces of the container
//	StartContainer            before the exec                                 in the container
//	Poststart                 after the exec                                  as the manager is
//	Poststop                  when all has ended                              as the manager is
type Hooks struct {
	Prestart, CreateRuntime, CreateContainer, StartContainer, Poststart, Poststop []Hook
}

// BeforePivot and BeforeExec report whether a start has to wait for hooks there.
func (h *Hooks) BeforePivot() bool {
	return len(h.Prestart)+len(h.CreateRuntime)+len(h.CreateContainer) > 0
}

// BeforeExec is told with BeforePivot.
func (h *Hooks) BeforeExec() bool { return len(h.StartContainer) > 0 }

func (r *reader) hooks(h *specs.Hooks) {
	if h == nil {
		return
	}
	to := &r.b.Hooks
	for _, x := range []struct {
		kind string
		from []specs.Hook
		to   *[]Hook
	}{
		//lint:ignore SA1019 engines still write it, and the specification still has it
		{"prestart", h.Prestart, &to.Prestart}, {"createRuntime", h.CreateRuntime, &to.CreateRuntime},
		{"createContainer", h.CreateContainer, &to.CreateContainer}, {"startContainer", h.StartContainer, &to.StartContainer},
		{"poststart", h.Poststart, &to.Poststart}, {"poststop", h.Poststop, &to.Poststop},
	} {
		for i := range x.from {
			*x.to = append(*x.to, r.hook(x.kind, i, &x.from[i]))
		}
	}
}

func (r *reader) hook(kind string, i int, h *specs.Hook) Hook {
	r.absolute(h.Path, "hooks", kind, i, "path")
	_, name := r.find([]any{kind, i})
	hook := Hook{Name: name, Path: h.Path, Args: h.Args, Env: h.Env}
	if len(h.Args) == 0 {
		hook.Args = []string{h.Path}
	}
	if t := h.Timeout; t != nil {
		const most = 1 << 30 // seconds, 34 years
		if *t <= 0 || *t > most {
			r.wrong("must be more than 0 seconds", "hooks", kind, i, "timeout")
		}
		hook.Timeout = time.Duration(*t) * time.Second
	}
	return hook
}

// State is what a hook reads from its standard input; pid 0 is none.
func (b *Bundle) State(id string, status specs.ContainerState, pid int) []byte {
	s := specs.State{Version: specs.Version, ID: id, Status: status, Pid: pid, Bundle: b.Dir, Annotations: b.Annotations}
	text, _ := json.Marshal(s) // of strings and a number
	return text
}
