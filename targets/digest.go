package targets

import (
	"encoding/binary"
	"hash/fnv"
)

// startDigest covers every key that the start of a component uses (R14). A readiness that the child takes part in
// counts: its channel is made before the start.
func startDigest(c *Component) uint64 {
	d := &digest{b: make([]byte, 0, 1024)}
	d.number(int64(c.Kind))
	d.flag(c.Detached)
	d.texts(c.Command)
	d.texts(c.Action)
	d.number(int64(len(c.Environment)))
	for _, s := range c.Environment {
		d.texts([]string{s.Key, s.Value})
	}
	d.texts(c.PassEnvironment)
	d.number(int64(len(c.EnvironmentFiles)))
	for _, f := range c.EnvironmentFiles {
		d.texts([]string{f.Path})
		d.flag(f.Optional)
	}
	d.texts([]string{c.WorkingDirectory, c.User, c.Group, c.Terminal, c.Output.Stdout, c.Output.Stderr, c.Output.Stdin})
	d.flag(c.SupplementaryGroups == nil)
	d.texts(c.SupplementaryGroups)
	d.number(int64(c.Umask))
	d.number(int64(len(c.Limits)))
	for _, l := range c.Limits {
		d.number(int64(l.Resource))
		d.number(int64(l.Soft))
		d.number(int64(l.Hard))
	}
	d.scheduling(&c.Scheduling)
	d.security(&c.Security)
	d.flag(c.Notifies())
	d.texts(c.OptionalSteps)
	d.flag(c.Ready.When == FD)
	d.number(int64(c.Ready.FD))
	d.heartbeat(&c.Heartbeat)
	d.texts([]string{c.PIDFile, c.RootDirectory})
	d.container(c.Container)
	d.flag(c.OwnUmask && c.Container != nil && c.Container.Bundle != "")
	d.boot(c.Boot)
	h := fnv.New64a()
	_, _ = h.Write(d.b) // a hash never fails
	return h.Sum64()
}

func (d *digest) scheduling(s *Scheduling) {
	d.texts([]string{s.Policy, s.IOClass})
	d.number(int64(s.Priority))
	d.number(int64(s.IOPriority))
	d.optional(s.Nice)
	d.optional(s.OOMScoreAdjust)
	d.numbers(s.CPUs)
	d.number(int64(s.Runtime))
	d.number(int64(s.Deadline.Deadline))
	d.number(int64(s.Period))
}

func (d *digest) security(s *Security) {
	d.flag(s.Capabilities == nil)
	d.numbers(s.Capabilities)
	d.numbers(s.AmbientCapabilities)
	d.flag(s.NoNewPrivileges)
	d.number(int64(s.Securebits))
	d.flag(s.NoASLR)
	d.texts([]string{s.Seccomp})
	d.filter(s.Filter)
	d.sandbox(s)
}

func (d *digest) sandbox(s *Security) {
	d.texts([]string{s.AppArmorLabel, s.SELinuxLabel})
	d.texts(s.ReadOnlyPaths)
	d.flag(s.PrivateTmp)
	d.flag(s.PrivateDevices)
	d.flag(s.Landlock != nil)
	if l := s.Landlock; l != nil {
		for _, list := range [][]string{l.Read, l.Write, l.Execute} {
			d.flag(list != nil)
			d.texts(list)
		}
		for _, list := range [][]int{l.TCPBind, l.TCPConnect} {
			d.flag(list != nil)
			d.numbers(list)
		}
	}
}

func (d *digest) filter(f *Filter) {
	d.flag(f != nil)
	if f != nil {
		d.texts([]string{f.Default})
		d.number(int64(f.Error))
		d.texts(f.Allow)
		d.texts(f.Errno)
		d.texts(f.Kill)
	}
}

// digest collects values so that no two lists of them look alike.
type digest struct{ b []byte }

func (d *digest) number(n int64) {
	d.b = binary.LittleEndian.AppendUint64(d.b, uint64(n))
}

func (d *digest) flag(set bool) {
	n := int64(0)
	if set {
		n = 1
	}
	d.number(n)
}

func (d *digest) numbers(list []int) {
	d.number(int64(len(list)))
	for _, n := range list {
		d.number(int64(n))
	}
}

func (d *digest) optional(n *int) {
	d.flag(n != nil)
	if n != nil {
		d.number(int64(*n))
	}
}

func (d *digest) texts(list []string) {
	d.number(int64(len(list)))
	for _, s := range list {
		d.number(int64(len(s)))
		d.b = append(d.b, s...)
	}
}
