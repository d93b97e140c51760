package manager

import (
	"strconv"
	"strings"

	"github.com/orderly-init/orderly/init/boot"
	"github.com/orderly-init/orderly/runtime"
	"github.com/orderly-init/orderly/targets"
)

// builtin makes the system calls of a built-in action, as the configuration's check has found it to be right. What
// must be looked up is looked up here; an action for which there is nothing to do is none.
func builtin(action []string) ([]runtime.Action, error) {
	verb, w := action[0], action[1:]
	switch verb {
	case "chmod":
		return []runtime.Action{runtime.ChangeMode{Paths: w[1:], Mode: octal(w[0])}}, nil
	case "chown":
		owner, err := ownerOf(w[0])
		return []runtime.Action{runtime.ChangeOwner{Paths: w[1:], Owner: owner}}, err
	case "hostname":
		return []runtime.Action{runtime.Hostname{Name: w[0]}}, nil
	case "mkdir":
		return makeDirectory(w)
	case "modprobe":
		return loadModules(w)
	case "mount":
		return mountAction(w), nil
	case "remove":
		return []runtime.Action{runtime.Remove{Paths: w}}, nil
	case "symlink":
		return []runtime.Action{runtime.Symlink{Target: w[0], Link: w[1]}}, nil
	case "sysctl":
		return []runtime.Action{runtime.Write{Path: boot.SysctlPath(w[0]), Text: w[1] + "\n"}}, nil
	case "unmount":
		return []runtime.Action{runtime.Unmount{Target: w[0], Lazy: len(w) > 1}}, nil
	}
	return []runtime.Action{runtime.Write{Path: w[0], Text: w[1]}}, nil // "write", the last one that there is
}

func octal(text string) int {
	n, _ := strconv.ParseUint(text, 8, 12)
	return int(n)
}

// ownerOf looks up USER, USER:GROUP or :GROUP. A user alone comes with the user's own group, as in chown(1) with a
// colon; a group alone leaves the user.
func ownerOf(text string) (runtime.Owner, error) {
	user, group, _ := strings.Cut(text, ":")
	account := runtime.Account{User: user, Group: group, Supplementary: []string{}}
	if user == "" {
		account.User = "0"
	}
	c, err := runtime.Lookup(account)
	if err != nil {
		return runtime.Owner{}, &stepError{"chown " + text, err}
	}
	if user == "" {
		c.UID = ^uint32(0) // leave it as it is (chown(2))
	}
	return runtime.Owner{UID: c.UID, GID: c.GID}, nil
}

func makeDirectory(w []string) ([]runtime.Action, error) {
	a := runtime.MakeDirectory{Path: w[0], Mode: -1}
	if len(w) > 1 {
		a.Mode = octal(w[1])
	}
	if len(w) > 2 {
		owner, err := ownerOf(w[2])
		if err != nil {
			return nil, err
		}
		a.Owner = &owner
	}
	return []runtime.Action{a}, nil
}

func loadModules(w []string) ([]runtime.Action, error) {
	files, err := boot.ModuleFiles(w[0], w[1:])
	if err != nil {
		return nil, &stepError{"modprobe " + w[0], rootCause(err)}
	}
	var a runtime.LoadModules
	for _, f := range files {
		a.Files = append(a.Files, runtime.ModuleFile{
			Path: f.Path, Options: f.Options, Optional: f.Optional, Packed: !strings.HasSuffix(f.Path, ".ko"),
		})
	}
	return []runtime.Action{a}, nil
}

// mountAction is a mount with its mount point, nothing where it is mounted already: by a run whose manager died.
func mountAction(w []string) []runtime.Action {
	m := targets.Mount{Source: w[0], Target: w[1], Type: w[2]}
	if len(w) > 3 {
		m.Options = w[3]
	}
	if !targets.Remounts(m.Options) && boot.Mounted(m) {
		return []runtime.Action{runtime.Nothing{}}
	}
	return []runtime.Action{mountOf(m)}
}

func mountOf(m targets.Mount) runtime.Mount {
	a := runtime.Mount{Source: m.Source, Target: m.Target, Type: m.Type, Point: !targets.Remounts(m.Options)}
	a.Flags, a.Again, a.Share, a.Data = boot.MountCalls(m.Options)
	return a
}
