package runtime

import "syscall"

// Part is a part of a start that can be optional: the steps that carry out one
// attribute. The numbers are written into a Slot, and a later version reads
// them there: they never change.
type Part uint8

// The parts.
const (
	noPart Part = iota
	MountNamespacePart
	LimitsPart
	PolicyPart
	NicePart
	CPUsPart
	IOPart
	OOMScorePart
	ASLRPart
	SecurebitsPart
	FilterPart
	LandlockPart
	AppArmorPart
	SELinuxPart
	ReadOnlyPart
	TmpPart
	DevicesPart

	parts // how many
)

// String is the part by the word that the configuration has for it.
func (p Part) String() string {
	if p >= parts {
		return "step"
	}
	return [parts]string{"", "mount namespace", "limits", "policy", "nice", "cpus", "io_class", "oom_score_adjust", "aslr", "securebits",
		"seccomp", "landlock", "apparmor_label", "selinux_label", "read_only_paths", "private_tmp", "private_devices"}[p]
}

// PartOf is the part of a word; false: there is none that can be optional.
func PartOf(name string) (Part, bool) {
	for p := LimitsPart; p < parts; p++ {
		if p.String() == name {
			return p, true
		}
	}
	return noPart, false
}

// Miss is an optional part that failed, and why.
type Miss struct {
	Part  Part
	Errno syscall.Errno
}

func (m Miss) String() string { return "optional step " + m.Part.String() + ": " + m.Errno.Error() }

// Misses are the optional parts that failed, in the order of their numbers.
// They are complete once the start is over, and stay until the next one.
func (s *Slot) Misses() []Miss {
	var list []Miss
	for p, errno := range s.missed {
		if errno != 0 {
			list = append(list, Miss{Part(p), syscall.Errno(errno)})
		}
	}
	return list
}

// as makes what add adds steps of one part.
func (l *list) as(p Part, add func()) {
	first := len(l.steps)
	add()
	for i := range l.steps[first:] {
		l.steps[first+i].part = p
	}
}

// soften makes the steps of optional parts go on behind their part where one
// of them fails. Without a mount namespace nothing is mounted: that is
// optional only if all that is in it is, and then skips it all.
func (l *list) soften() {
	for i := range l.steps {
		s := &l.steps[i]
		if !l.optional(s.part) {
			continue
		}
		s.how |= flagSoft
		for j := i + 1; j < len(l.steps) && s.takesAlong(&l.steps[j]); j++ {
			s.skip += l.steps[j].ops()
		}
	}
}

// takesAlong reports whether a later step is nothing without this one.
func (s *Step) takesAlong(later *Step) bool {
	switch s.part {
	case LimitsPart: // each for itself
		return false
	case MountNamespacePart:
		return later.part == MountNamespacePart || later.part.mounts()
	}
	return later.part == s.part
}

func (p Part) mounts() bool { return p == ReadOnlyPart || p == TmpPart || p == DevicesPart }

func (l *list) optional(p Part) bool {
	if p != MountNamespacePart {
		return p != noPart && l.spec.Optional&(1<<p) != 0
	}
	for i := range l.steps {
		if q := l.steps[i].part; q.mounts() && !l.optional(q) {
			return false
		}
	}
	return true
}
