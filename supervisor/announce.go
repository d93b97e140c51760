package supervisor

import (
	"encoding/binary"
	"slices"

	"github.com/orderly-init/orderly/targets"
)

// Announced tells that a component raises a condition by its name, or takes it back. What it has raised holds until it takes it
// back or is down.
type Announced struct {
	Component int
	Run       uint32
	Condition string
	Holds     bool
}

func (Announced) event() {}

// maxAnnounced bounds what one component can have raised: each has a record in the facts table.
const maxAnnounced = 16

// announced takes in what a component says; everybody who waits for it is looked at.
func (m *Machine) announced(c int, e Announced) {
	u := &m.units[c]
	at, known := slices.BinarySearch(u.announces, e.Condition)
	if known == e.Holds || !u.alive() || !targets.IsConditionName(e.Condition) {
		return
	}
	if !e.Holds {
		u.announces = slices.Delete(slices.Clone(u.announces), at, at+1)
		u.withdrawn = append(u.withdrawn, e.Condition)
		m.remark(c, Cause{Code: Withdraws, Text: e.Condition})
		return
	}
	if len(u.announces) == maxAnnounced {
		m.remark(c, Cause{Code: AnnouncesTooMuch, Text: e.Condition})
		return
	}
	u.announces = slices.Insert(slices.Clone(u.announces), at, e.Condition)
	m.remark(c, Cause{Code: Announces, Text: e.Condition})
	m.conditionTold(e.Condition)
}

// holdsNow says whether any component has raised a condition.
func (m *Machine) holdsNow(condition string) bool {
	return slices.ContainsFunc(m.units, func(u unit) bool {
		_, found := slices.BinarySearch(u.announces, condition)
		return found
	})
}

// conditionTold has those looked at who wait for a condition, and makes ready who is ready with it.
func (m *Machine) conditionTold(condition string) {
	for c := range m.units {
		u := &m.units[c]
		if u.asking.on && m.tests > 0 {
			m.touch(c)
		}
		if u.state == Starting && u.landed && u.awaits(condition) {
			m.becameReady(c)
		}
	}
}

// awaits says whether u is ready with a condition.
func (u *unit) awaits(condition string) bool {
	return u.def.Kind == targets.Daemon && u.def.Ready.When == targets.Raised && u.def.Ready.Condition == condition
}

// withdraw takes back everything that c has raised: it is down.
func (m *Machine) withdraw(c int) {
	u := &m.units[c]
	u.withdrawn = append(u.withdrawn, u.announces...)
	u.announces = nil
}

// Places in the record of a raised condition, after kind, run and name.
const (
	announceOwner = 16 // hash of the component's name
	announceText  = 24 // length and bytes
)

func announceHash(u *unit, condition string) uint64 {
	return NameHash(string(binary.LittleEndian.AppendUint64(nil, u.recordName())) + condition)
}

// storeAnnounced keeps a record for each condition that c has raised.
func (m *Machine) storeAnnounced(t *Table, c int) error {
	u := &m.units[c]
	for _, condition := range u.withdrawn {
		if !slices.Contains(u.announces, condition) {
			t.drop(ConditionRecord, announceHash(u, condition))
		}
	}
	u.withdrawn = nil
	for _, condition := range u.announces {
		name := announceHash(u, condition)
		if _, there := t.index[recordKey{ConditionRecord, name}]; there {
			continue
		}
		i, err := t.place(ConditionRecord, name)
		if err != nil {
			return err
		}
		var data [dataSize]byte
		putHead(data[:], ConditionRecord, name, u.run)
		binary.LittleEndian.PutUint64(data[announceOwner:], u.recordName())
		data[announceText] = byte(copy(data[announceText+1:], condition))
		t.write(i, data[:])
	}
	return nil
}

// restoreAnnounced gives back what components had raised.
func (m *Machine) restoreAnnounced(t *Table) {
	owners := make(map[uint64]int, len(m.units))
	for c := range m.units {
		owners[m.units[c].recordName()] = c
	}
	for i := range t.Len() {
		r, ok := t.Read(i)
		if !ok || r.Kind != ConditionRecord {
			continue
		}
		c, known := owners[binary.LittleEndian.Uint64(r.data[announceOwner:])]
		n := int(r.data[announceText])
		if !known || announceText+1+n > len(r.data) {
			continue
		}
		u, condition := &m.units[c], string(r.data[announceText+1:announceText+1+n])
		if !u.alive() {
			u.withdrawn = append(u.withdrawn, condition)
			continue
		}
		u.announces = append(u.announces, condition)
		slices.Sort(u.announces)
	}
}
