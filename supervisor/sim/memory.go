package sim

import (
	"strings"

	"github.com/orderly-init/orderly/supervisor"
)

// starve has some runs that end by SIGKILL be killed by the kernel for want of memory.
func (w *world) starve(s *set) {
	if s.plan.status.Signal == 9 && throw(w.seed, "memory", s.name, int(s.run)).chance(60) {
		s.memory = "memory_max 1MiB reached"
	}
}

// exitOf is what is told of the end of a main process.
func (s *set) exitOf(c int) supervisor.Exited {
	return supervisor.Exited{Component: c, Run: s.run, Seq: s.seq, Status: s.status, Memory: s.memory, Empty: s.empty()}
}

// outOfMemory judges what a change gives as its reason: want of memory for a run that ended so, and for no other.
func (j *judge) outOfMemory(s *shadow, e *supervisor.Changed) {
	told := strings.HasPrefix(e.Reason, "oom: ")
	set := j.p.world.sets[s.name]
	if told && (set == nil || set.run != e.Run || set.memory == "") {
		j.fail("memory", "%s: %s, and nothing was short", s.name, e.Reason)
	}
	x, ended := j.ev.(supervisor.Exited)
	if ended && j.of(x.Component, x.Run) == s && x.Memory != "" && e.From != e.To && s.def.PIDFile == "" && !told &&
		(e.From == supervisor.Ready || e.From == supervisor.Starting) {
		j.fail("memory", "%s was killed for want of memory, and the reason is %s", s.name, e.Reason)
	}
}
