package manager

import (
	"strconv"

	"github.com/orderly-init/orderly/targets"
)

// resources shows the limits as they would be written.
func (d *pairs) resources(r *targets.Resources) {
	for _, l := range []struct {
		key string
		n   *int64
	}{
		{"memory_min", r.MemoryMin}, {"memory_low", r.MemoryLow}, {"memory_high", r.MemoryHigh}, {"memory_max", r.MemoryMax}, {"swap_max", r.SwapMax},
	} {
		if l.n != nil {
			d.add("resources."+l.key, orUnlimited(*l.n, bytesText))
		}
	}
	d.flag("resources.oom_group", r.OOMGroup)
	if r.CPUMax != nil {
		d.add("resources.cpu_max", percentText(*r.CPUMax))
		d.add("resources.cpu_period", r.Period().String())
	}
	d.when("resources.cpu_weight", strconv.Itoa(r.CPUWeight), r.CPUWeight > 0)
	d.text("resources.cpuset", targets.CPUText(r.CPUSet))
	d.text("resources.cpuset_mems", targets.CPUText(r.MemorySet))
	if r.PidsMax != nil {
		d.add("resources.pids_max", orUnlimited(*r.PidsMax, func(n int64) string { return strconv.FormatInt(n, 10) }))
	}
	for i := range r.IOMax {
		d.add("resources.io_max", ioText(&r.IOMax[i]))
	}
	d.when("resources.io_weight", strconv.Itoa(r.IOWeight), r.IOWeight > 0)
	for _, p := range r.Pressure {
		d.add("resources.pressure."+p.Resource, p.String())
	}
}

func orUnlimited(n int64, text func(int64) string) string {
	if n < 0 {
		return "unlimited"
	}
	return text(n)
}

func percentText(p float64) string {
	if p < 0 {
		return "unlimited"
	}
	return strconv.FormatFloat(p, 'f', -1, 64) + "%"
}

func ioText(l *targets.IOLimit) string {
	text := l.Path
	for _, r := range []struct {
		key  string
		n    int64
		text func(int64) string
	}{
		{"rbps", l.ReadBytes, bytesText}, {"wbps", l.WriteBytes, bytesText},
		{"riops", l.Reads, func(n int64) string { return strconv.FormatInt(n, 10) }}, {"wiops", l.Writes, func(n int64) string { return strconv.FormatInt(n, 10) }},
	} {
		if r.n > 0 {
			text += ", " + r.key + " " + r.text(r.n)
		}
	}
	return text
}
