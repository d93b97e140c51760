package oci

import (
	"fmt"
	"slices"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/orderly-init/orderly/runtime"
	"github.com/orderly-init/orderly/runtime/container"
)

// anyNumber is a number of a device that is any.
const anyNumber = -1

// access makes of rules that allow and deny, in their order, a list of what is allowed: at first nothing is. What every container
// may use is added, as in runc.
func (r *reader) access(rules []specs.LinuxDeviceCgroup) {
	var list []runtime.DeviceAccess
	for i := range rules {
		one, ok := r.accessOf(i, &rules[i])
		if !ok {
			continue
		}
		if everything := one.Type == 'a' && one.Access == "rwm"; everything && !rules[i].Allow {
			list = nil
			continue
		}
		if rules[i].Allow {
			list = append(list, one)
			continue
		}
		if list, ok = deny(list, &one); !ok {
			r.wrong("denies a part of what another rule allows: not supported", "linux", "resources", "devices", i)
		}
	}
	for _, kind := range []byte{'c', 'b'} {
		list = append(list, runtime.DeviceAccess{Type: kind, Major: anyNumber, Minor: anyNumber, Access: "m"}) // to make is not to use
	}
	r.b.Config.Access = append(list, container.UsualAccess()...)
}

func (r *reader) accessOf(i int, d *specs.LinuxDeviceCgroup) (a runtime.DeviceAccess, ok bool) {
	at := []any{"linux", "resources", "devices", i}
	a = runtime.DeviceAccess{Type: 'a', Major: anyNumber, Minor: anyNumber, Access: orElse(d.Access, "rwm")}
	before := len(r.problems)
	switch d.Type {
	case "", "a":
	case "c", "b":
		a.Type = d.Type[0]
	default:
		r.wrong(fmt.Sprintf("%q is not a, b or c", d.Type), append(at, "type")...)
	}
	if strings.Trim(d.Access, "rwm") != "" {
		r.wrong(fmt.Sprintf("%q is not of r, w and m", d.Access), append(at, "access")...)
	}
	for _, n := range []struct {
		key  string
		from *int64
		to   *int64
	}{{"major", d.Major, &a.Major}, {"minor", d.Minor, &a.Minor}} {
		if n.from == nil {
			continue
		}
		*n.to = *n.from
		if *n.from < anyNumber || *n.from > 1<<32-1 {
			r.wrong("is not the number of a device", append(at, n.key)...)
		}
	}
	if a.Type == 'a' && (a.Major != anyNumber || a.Minor != anyNumber) {
		r.wrong("has numbers, but no type", at...)
	}
	return a, len(r.problems) == before
}

// deny takes a rule out of those that allow. It reports false where one allows more than that.
func deny(list []runtime.DeviceAccess, d *runtime.DeviceAccess) ([]runtime.DeviceAccess, bool) {
	fine := true
	list = slices.DeleteFunc(list, func(a runtime.DeviceAccess) bool {
		if !strings.ContainsAny(a.Access, d.Access) || !overlap(&a, d) {
			return false
		}
		whole := covers(d, &a) && strings.Trim(a.Access, d.Access) == ""
		fine = fine && whole
		return whole
	})
	return list, fine
}

func overlap(a, b *runtime.DeviceAccess) bool {
	same := func(x, y int64) bool { return x == y || x == anyNumber || y == anyNumber }
	return (a.Type == b.Type || a.Type == 'a' || b.Type == 'a') && same(a.Major, b.Major) && same(a.Minor, b.Minor)
}

// covers reports whether all devices of b are devices of a.
func covers(a, b *runtime.DeviceAccess) bool {
	in := func(x, y int64) bool { return x == anyNumber || x == y }
	return (a.Type == 'a' || a.Type == b.Type) && in(a.Major, b.Major) && in(a.Minor, b.Minor)
}
