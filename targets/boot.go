package targets

import (
	"slices"
	"strconv"
	"strings"
)

// Boot is the [component.NAME.boot] table: something that only the next boot can change, in slots of which the boot loader takes one.
type Boot struct {
	State    string   // the file that is shared with the boot loader
	Slots    []string // at least two
	Argument string   // the word of the kernel command line that names the one which runs
	Try      string   // "" confirms what runs; a slot, or "other", is what the next boot is to try
	Tries    int
}

func bootFields() []field[Boot] {
	return []field[Boot]{
		{"state", func(v value, b *Boot) { v.absolute(&b.State) }},
		{"slots", func(v value, b *Boot) { v.slots(&b.Slots) }},
		{"slot_argument", func(v value, b *Boot) { v.word(&b.Argument) }},
		{"try", func(v value, b *Boot) { v.word(&b.Try) }},
		{"tries", func(v value, b *Boot) { v.number(&b.Tries, 1, 1000) }},
	}
}

func readBoot(v value, c *Component) {
	to := Boot{Slots: []string{"a", "b"}, Argument: "orderly.slot", Tries: 3}
	if c.Boot != nil {
		to = *c.Boot
	}
	own := readTable(v, bootFields(), &to)
	if own == nil {
		return
	}
	switch {
	case to.State == "" && own["state"] == nil:
		v.faultAt(atKey, "has no state", `add state = "/PATH", the file that the boot loader reads`)
	case to.Try != "" && to.Try != "other" && !slices.Contains(to.Slots, to.Try):
		v.l.fault(v.path()+".try", atValue, strconv.Quote(to.Try)+" is not a slot", `"other", or one of `+strings.Join(to.Slots, ", "))
	case own["tries"] != nil && to.Try == "":
		v.l.fault(v.path()+".tries", atKey, "is not used", `it goes with try = "other"`)
	}
	c.Boot = &to
}

// slots reads at least two names.
func (v value) slots(to *[]string) {
	var list []string
	seen := map[string]bool{"other": true}
	v.list(&list, func(e value, to *string) bool {
		if !e.word(to) {
			return false
		}
		if seen[*to] || strings.Contains(*to, "=") {
			e.fault(strconv.Quote(*to)+" is not the name of a slot", "a word without =, each once, and not other")
			return false
		}
		seen[*to] = true
		return true
	})
	if list != nil && len(list) < 2 {
		v.fault("has fewer than two slots", "")
		return
	}
	if list != nil {
		*to = list
	}
}

// checkBoot holds the table against what it excludes.
func (v value) checkBoot(c *Component) {
	if c.Boot == nil {
		return
	}
	if c.Kind != Oneshot {
		v.l.fault(v.path()+".boot", atKey, "is for a oneshot", `write kind = "oneshot"`)
	}
	for _, x := range []struct {
		key     string
		written bool
	}{{"command", c.Command != nil}, {"action", c.Action != nil}, {"container", c.Container != nil}, {"root_directory", c.RootDirectory != ""}} {
		if x.written {
			v.l.fault(v.path()+"."+x.key, atKey, "excludes boot", "what boot does needs no program")
		}
	}
}

func (d *digest) boot(b *Boot) {
	d.flag(b != nil)
	if b != nil {
		d.texts([]string{b.State, b.Argument, b.Try})
		d.texts(b.Slots)
		d.number(int64(b.Tries))
	}
}
