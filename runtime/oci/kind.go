package oci

import (
	"fmt"
	"slices"
	"strings"

	"github.com/orderly-init/orderly/runtime"
	"github.com/orderly-init/orderly/runtime/container"
)

// Kind is the kind of a container that is a bundle: what the component itself says goes over what the bundle does.
type Kind struct {
	Dir     string
	Host    runtime.Host
	Machine *container.Machine
	Schema  *Schema
	// Over is what the component says of its container; what is empty there is the bundle's. Mounts and devices are added, settings
	// go over those of the same name.
	Over container.Config
	// Share are kinds of namespaces that are entered by Over.Enter, whatever the bundle has of them.
	Share uint64
	// Privileges takes noNewPrivileges of the bundle away.
	Privileges bool
	// PlainTCP says that the filter of the Spec is seccomp.PlainTCP alone. A filter of the bundle takes its place, with
	// these rules before its own.
	PlainTCP bool
	// OOMScore is the value where neither says one; nil: the caller's.
	OOMScore *int
	// Terminal says that the component has one.
	Terminal bool

	// Bundle is what has been read, once Make has.
	Bundle *Bundle
}

// Make reads the bundle and completes a Spec, in which everything is empty that the component does not say.
func (k *Kind) Make(s *runtime.Spec) (open []int, err error) {
	b, err := k.Schema.Read(k.Dir, Own{Command: len(s.Args) > 0, Terminal: k.Terminal, PlainTCP: k.PlainTCP})
	if err != nil {
		return nil, err
	}
	k.Complete(s, b)
	b.Config = k.config(b.Config)
	if open, err = container.New(b.Config, k.Machine).Make(s); err != nil {
		return nil, err
	}
	k.Bundle = b
	return open, nil
}

// Complete fills in of a process what the component does not say: of its main one, or of a command that runs in the container. Its
// Path is then the name of the program.
func (k *Kind) Complete(s *runtime.Spec, b *Bundle) {
	b.fit(&k.Host)
	k.merge(s, &b.Process)
}

// fit leaves capabilities out that this kernel does not have, and tells it.
func (b *Bundle) fit(h *runtime.Host) {
	last := h.LastCapability
	if last == 0 {
		return
	}
	c := b.Process.Sets
	for _, set := range []*[]int{&c.Bounding, &c.Permitted, &c.Effective, &c.Inheritable, &b.Process.Ambient} {
		*set = slices.DeleteFunc(*set, func(n int) bool {
			if n > last {
				b.Notes = append(b.Notes, Problem{File: ConfigName, Path: "process.capabilities", What: fmt.Sprintf("the kernel does not have number %d: left out", n)})
			}
			return n > last
		})
	}
}

// merge fills in of the process what the component does not say.
func (k *Kind) merge(s, p *runtime.Spec) {
	if len(s.Args) == 0 {
		s.Args = p.Args
	}
	s.Path = s.Args[0]
	s.Env = lastWins(slices.Concat(p.Env, s.Env))
	s.Dir = orElse(s.Dir, p.Dir)
	s.AppArmor, s.SELinux = orElse(s.AppArmor, p.AppArmor), orElse(s.SELinux, p.SELinux)
	s.Umask, s.Nice, s.IO = orElse(s.Umask, p.Umask), orElse(s.Nice, p.Nice), orElse(s.IO, p.IO)
	s.OOMScoreAdjust = orElse(orElse(s.OOMScoreAdjust, p.OOMScoreAdjust), k.OOMScore)
	if s.Scheduler == nil && s.Deadline == nil {
		s.Scheduler, s.Deadline = p.Scheduler, p.Deadline
	}
	s.Domain, s.Credential = p.Domain, p.Credential
	s.NoNewPrivileges = s.NoNewPrivileges || p.NoNewPrivileges && !k.Privileges
	if s.Capabilities == nil {
		s.Sets = p.Sets
		if s.Ambient == nil {
			s.Ambient = p.Ambient
		}
	}
	if s.Filter == nil || k.PlainTCP && p.Filter != nil {
		s.Filter, s.FilterFlags, s.FilterEarly = p.Filter, p.FilterFlags, p.FilterEarly
	}
	for _, l := range p.Limits {
		if !slices.ContainsFunc(s.Limits, func(own runtime.Limit) bool { return own.Resource == l.Resource }) {
			s.Limits = append(s.Limits, l)
		}
	}
}

// orElse is the first of two that is not nothing.
func orElse[T comparable](first, second T) T {
	var nothing T
	if first != nothing {
		return first
	}
	return second
}

// lastWins keeps the last of several values of one name, in the order of the first.
func lastWins(env []string) []string {
	at := make(map[string]int, len(env))
	out := env[:0]
	for _, e := range env {
		name, _, _ := strings.Cut(e, "=")
		if i, ok := at[name]; ok {
			out[i] = e
			continue
		}
		at[name] = len(out)
		out = append(out, e)
	}
	return out
}

// config is the bundle's with what the component says over it.
func (k *Kind) config(c container.Config) container.Config {
	o := &k.Over
	c.ReadOnly = c.ReadOnly || o.ReadOnly
	c.Overlay, c.OverlaySize, c.Scratch = o.Overlay, o.OverlaySize, o.Scratch
	c.Hostname = orElse(o.Hostname, c.Hostname)
	if o.Masked != nil {
		c.Masked = o.Masked
	}
	c.Devices, c.Account, c.Init = o.Devices, o.Account, o.Init
	for _, v := range o.Volumes {
		c.Volumes = append(slices.DeleteFunc(c.Volumes, func(b container.Volume) bool { return b.Target == v.Target }), v)
	}
	for _, s := range o.Settings {
		c.Settings = append(slices.DeleteFunc(c.Settings, func(b runtime.Setting) bool { return b.Path == s.Path }), s)
	}
	c.Enter, c.Kinds = o.Enter, c.Kinds&^k.Share
	c.Join = slices.DeleteFunc(c.Join, func(j container.Joining) bool { return j.Kind&k.Share != 0 })
	return c
}
