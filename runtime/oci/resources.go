package oci

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// Setting is a file of a cgroup of version 2, and what is written into it.
type Setting struct{ File, Value string }

// resources are said in the words of version 2, as runc does: the spec has those of version 1.
func (r *reader) resources(l *specs.LinuxResources) {
	if l == nil {
		return
	}
	r.memory(l.Memory)
	r.cpu(l.CPU)
	if l.Pids != nil && l.Pids.Limit != nil {
		r.set("pids.max", orMax(*l.Pids.Limit))
	}
	r.blockIO(l.BlockIO)
	for i, h := range l.HugepageLimits {
		if h.Pagesize == "" || strings.Trim(h.Pagesize, "0123456789KMGB") != "" {
			r.wrong(fmt.Sprintf("%q is not a size of pages, such as 2MB", h.Pagesize), "linux", "resources", "hugepageLimits", i, "pageSize")
		}
		for _, file := range []string{".max", ".rsvd.max"} {
			r.set("hugetlb."+h.Pagesize+file, strconv.FormatUint(h.Limit, 10))
		}
	}
	for _, name := range sortedKeys(l.Rdma) {
		r.rdma(name, l.Rdma[name])
	}
	for _, file := range sortedKeys(l.Unified) {
		if controller, rest, ok := strings.Cut(file, "."); !ok || controller == "" || controller == "cgroup" || rest == "" || strings.Contains(file, "/") {
			r.wrong("is not a file of a controller", "linux", "resources", "unified", file)
		}
		r.set(file, l.Unified[file])
	}
}

func (r *reader) set(file, value string) { r.b.Resources = append(r.b.Resources, Setting{file, value}) }

func sortedKeys[T any](m map[string]T) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// orMax is a limit, of which a negative one is none.
func orMax(n int64) string {
	if n < 0 {
		return "max"
	}
	return strconv.FormatInt(n, 10)
}

func (r *reader) memory(m *specs.LinuxMemory) {
	if m == nil {
		return
	}
	at := func(key string) []any { return []any{"linux", "resources", "memory", key} }
	if m.Reservation != nil {
		r.set("memory.low", orMax(*m.Reservation))
	}
	if s := m.Swap; s != nil {
		switch {
		case *s < 0:
			r.set("memory.swap.max", "max")
		case m.Limit == nil || *m.Limit < 0 || *s < *m.Limit:
			r.wrong("is with the memory: at least the limit, which it needs", at("swap")...)
		default:
			r.set("memory.swap.max", strconv.FormatInt(*s-*m.Limit, 10))
		}
	}
	if m.Limit != nil {
		r.set("memory.max", orMax(*m.Limit))
	}
	for _, x := range []struct {
		key   string
		wrong bool
	}{
		{"disableOOMKiller", m.DisableOOMKiller != nil && *m.DisableOOMKiller}, {"useHierarchy", m.UseHierarchy != nil && !*m.UseHierarchy},
		{"checkBeforeUpdate", m.CheckBeforeUpdate != nil && *m.CheckBeforeUpdate},
	} {
		if x.wrong {
			r.wrong("is not supported: cgroups version 2 does not have it", at(x.key)...)
		}
	}
}

func (r *reader) cpu(c *specs.LinuxCPU) {
	if c == nil {
		return
	}
	if s := c.Shares; s != nil && *s != 0 {
		const least, most = 2, 262144 // of the kernel; the weights are 1 to 10000
		r.set("cpu.weight", strconv.FormatUint(1+(min(max(*s, least), most)-least)*9999/(most-least), 10))
	}
	if c.Quota != nil || c.Period != nil {
		quota, period := "max", uint64(100000)
		if c.Quota != nil && *c.Quota > 0 {
			quota = strconv.FormatInt(*c.Quota, 10)
		}
		if c.Period != nil && *c.Period != 0 {
			period = *c.Period
		}
		r.set("cpu.max", quota+" "+strconv.FormatUint(period, 10))
	}
	if c.Burst != nil {
		r.set("cpu.max.burst", strconv.FormatUint(*c.Burst, 10))
	}
	if c.Idle != nil {
		r.set("cpu.idle", strconv.FormatInt(*c.Idle, 10))
	}
	for _, x := range []struct{ key, file, list string }{{"cpus", "cpuset.cpus", c.Cpus}, {"mems", "cpuset.mems", c.Mems}} {
		switch {
		case strings.Trim(x.list, "0123456789,-") != "":
			r.wrong(fmt.Sprintf("%q is not a list such as 0-3,5", x.list), "linux", "resources", "cpu", x.key)
		case x.list != "":
			r.set(x.file, x.list)
		}
	}
}

func (r *reader) blockIO(b *specs.LinuxBlockIO) {
	if b == nil {
		return
	}
	if w := b.Weight; w != nil && *w != 0 {
		const least, most = 10, 1000
		r.set("io.weight", strconv.Itoa(1+(min(max(int(*w), least), most)-least)*9999/(most-least)))
	}
	for _, x := range []struct {
		word string
		list []specs.LinuxThrottleDevice
	}{
		{"rbps", b.ThrottleReadBpsDevice}, {"wbps", b.ThrottleWriteBpsDevice}, {"riops", b.ThrottleReadIOPSDevice}, {"wiops", b.ThrottleWriteIOPSDevice},
	} {
		for _, d := range x.list {
			rate := "max" // 0 is none
			if d.Rate != 0 {
				rate = strconv.FormatUint(d.Rate, 10)
			}
			r.set("io.max", fmt.Sprintf("%d:%d %s=%s", d.Major, d.Minor, x.word, rate))
		}
	}
}

func (r *reader) rdma(name string, l specs.LinuxRdma) {
	line := name
	if l.HcaHandles != nil {
		line += fmt.Sprintf(" hca_handle=%d", *l.HcaHandles)
	}
	if l.HcaObjects != nil {
		line += fmt.Sprintf(" hca_object=%d", *l.HcaObjects)
	}
	if name == "" || strings.ContainsAny(name, " \n") {
		r.wrong("is not a device", "linux", "resources", "rdma", name)
	}
	r.set("rdma.max", line)
}
