package targets

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Limit is one resource limit (getrlimit(2)): the soft one is in force, the process may raise it up to the hard one.
type Limit struct {
	Resource   int // the kernel's number, the index in LimitNames
	Soft, Hard uint64
}

// Unlimited is the value of a limit that does not limit, the kernel's RLIM64_INFINITY.
const Unlimited = ^uint64(0)

// LimitNames are the names of the resource limits by the kernel's number, which is the same on arm, arm64 and amd64.
func LimitNames() []string {
	return strings.Fields("cpu fsize data stack core rss nproc nofile memlock as locks sigpending msgqueue nice rtprio rttime")
}

// String is the limit as it is written.
func (l Limit) String() string {
	if l.Soft == l.Hard {
		return limitText(l.Soft)
	}
	return limitText(l.Soft) + ":" + limitText(l.Hard)
}

func limitText(n uint64) string {
	if n == Unlimited {
		return "unlimited"
	}
	return strconv.FormatUint(n, 10)
}

// measure is what a resource is counted in.
type measure struct {
	bytes bool
	unit  string // for people
	most  uint64
}

// measureOf follows getrlimit(2). The nice limit is 20 less the lowest nice value; more open files than fs.nr_open
// are refused by the kernel, and that is below 2^31.
func measureOf(name string) measure {
	switch name {
	case "cpu":
		return measure{unit: "seconds", most: math.MaxInt64}
	case "rttime":
		return measure{unit: "microseconds", most: math.MaxInt64}
	case "nice":
		return measure{unit: "a number", most: 40}
	case "rtprio":
		return measure{unit: "a number", most: 99}
	case "nofile":
		return measure{unit: "a number", most: math.MaxInt32}
	case "nproc", "locks", "sigpending":
		return measure{unit: "a number", most: math.MaxInt64}
	}
	return measure{bytes: true, unit: "a size", most: math.MaxInt64}
}

func limitFields() []field[[]Limit] {
	var fields []field[[]Limit]
	for n, name := range LimitNames() {
		fields = append(fields, field[[]Limit]{name, func(v value, to *[]Limit) { v.limit(n, to) }})
	}
	return fields
}

// readLimits reads limits over those that are there.
func readLimits(v value, to *[]Limit) {
	all := slices.Clone(*to)
	if readTable(v, limitFields(), &all) != nil {
		slices.SortFunc(all, func(a, b Limit) int { return cmp.Compare(a.Resource, b.Resource) })
		*to = all
	}
}

// limit reads "SOFT:HARD" or one value for both; a number is the same as its digits.
func (v value) limit(resource int, to *[]Limit) {
	text, isText := v.x.(string)
	if n, isNumber := v.x.(int64); isNumber {
		text, isText = strconv.FormatInt(n, 10), true
	}
	if !isText {
		v.mustBe(`a limit such as "64:128" or "unlimited"`, "")
		return
	}
	first, second, isPair := strings.Cut(text, ":")
	if !isPair {
		second = first
	}
	m := measureOf(v.name)
	l := Limit{Resource: resource}
	for _, half := range []struct {
		text string
		to   *uint64
	}{{first, &l.Soft}, {second, &l.Hard}} {
		n, what, hint := m.parse(half.text)
		if what != "" {
			v.fault(what, hint)
			return
		}
		*half.to = n
	}
	if l.Soft > l.Hard {
		v.fault("the soft limit, "+limitText(l.Soft)+", is above the hard one, "+limitText(l.Hard), `write "SOFT:HARD"`)
		return
	}
	*to = append(slices.DeleteFunc(*to, func(old Limit) bool { return old.Resource == resource }), l)
}

// parse reads one half of a limit.
func (m measure) parse(text string) (n uint64, what, hint string) {
	plain := text != "" && strings.Trim(text, "+-0123456789") == ""
	switch {
	case text == "unlimited":
		n = Unlimited
	case m.bytes && !plain && text != "":
		size, what, hint := parseSize(text)
		return uint64(size), what, hint
	default:
		var err error
		if n, err = strconv.ParseUint(text, 10, 63); err != nil && plain {
			n = Unlimited
			break
		}
		if err != nil {
			return 0, strconv.Quote(text) + " is not a limit", "write " + m.unit + `, "SOFT:HARD" or "unlimited"`
		}
	}
	if n > m.most && (text != "unlimited" || m.most == math.MaxInt32) {
		return 0, text + " is out of range", fmt.Sprintf("0 to %d", m.most)
	}
	return n, "", ""
}
