package supervisor

import (
	"encoding/binary"
	"fmt"
)

// machineName is the name under which the machine's own record is found.
const machineName = "machine"

// Flags of the machine's record, by bit.
const (
	wholeActing uint32 = 1 << iota
	wholeStopFirst
	_ // of older versions
	wholeAgain
	wholeFallen
	wholeKilled
	wholeFinished
	wholeLed
	wholeOwn
)

// Places in the machine's record, after kind, run and name.
const (
	wholeEnd      = 1
	wholeShown    = 2
	wholeTries    = 3
	wholeFlags    = 16
	wholeQueued   = 20 // how many, and a bit for each that stops first
	wholeTarget   = 24
	wholeTimes    = 32 // 8 times
	wholeQueue    = 96 // name hashes
	wholeQueueMax = 8
	wholeVersion  = wholeQueue + 8*wholeQueueMax
)

// Store writes every fact that has changed since the last Store. It is called after each Step and before its
// effects are performed: a Launch whose record is not there must not happen (R16). A record that belongs to a new
// run gets a live area of zeroes. The first Store into a table writes everything.
func (m *Machine) Store(t *Table) error {
	if m.table.to != t {
		m.table.to = t
		m.table.markAll()
	}
	for _, name := range m.table.freed {
		if _, back := m.graph.Config.Component(name); !back {
			t.drop(ComponentRecord, NameHash(name))
		}
	}
	m.table.freed = nil
	for c, dirty := range m.table.units {
		if !dirty {
			continue
		}
		if err := m.storeUnit(t, c); err != nil {
			return fmt.Errorf("store facts of %s: %w", m.name(c), err)
		}
		m.table.units[c] = false
	}
	return m.storeWhole(t)
}

// recordName is what the record of u is found by.
func (u *unit) recordName() uint64 {
	if u.nameless != 0 {
		return u.nameless
	}
	return NameHash(u.def.Name)
}

func (m *Machine) storeUnit(t *Table, c int) error {
	u := &m.units[c]
	if u.leaver && !u.alive() {
		if err := m.storeAnnounced(t, c); err != nil {
			return err
		}
		t.drop(ComponentRecord, u.recordName())
		return nil
	}
	i, err := t.place(ComponentRecord, u.recordName())
	if err != nil {
		return err
	}
	if r, ok := t.Read(i); ok && r.Run != u.run {
		clear(t.Live(i))
	}
	var data [dataSize]byte
	m.encodeUnit(c, data[:])
	t.write(i, data[:])
	return m.storeAnnounced(t, c)
}

// storeWhole writes the machine's own record and those of the targets.
func (m *Machine) storeWhole(t *Table) error {
	for target, dirty := range m.table.targets {
		if !dirty {
			continue
		}
		if err := m.storeTarget(t, target); err != nil {
			return fmt.Errorf("store facts of %s: %w", m.targetName(target), err)
		}
		m.table.targets[target] = false
	}
	if !m.table.machine {
		return nil
	}
	i, err := t.place(MachineRecord, NameHash(machineName))
	if err != nil {
		return fmt.Errorf("store facts of the machine: %w", err)
	}
	var data [dataSize]byte
	m.encodeWhole(data[:])
	t.write(i, data[:])
	m.table.machine = false
	return nil
}

// storeTarget keeps a record for a target only while the ladder has visited it.
func (m *Machine) storeTarget(t *Table, target int) error {
	name := m.targetName(target)
	visited := m.ladder.visited != nil && m.ladder.visited[target]
	if i, ok := t.Find(TargetRecord, name); ok && !visited {
		t.Free(i)
	}
	if !visited {
		return nil
	}
	_, err := t.Claim(TargetRecord, name, 0)
	return err
}

func (m *Machine) encodeWhole(data []byte) {
	putHead(data, MachineRecord, NameHash(machineName), 0)
	data[wholeEnd], data[wholeShown], data[wholeTries] = byte(m.ending.end), byte(m.shown), byte(m.ladder.tries)
	var bits uint32
	m.wholeFlags(func(bit uint32, on *bool) {
		if *on {
			bits |= bit
		}
	})
	binary.LittleEndian.PutUint32(data[wholeFlags:], bits)
	if m.target != None {
		binary.LittleEndian.PutUint64(data[wholeTarget:], NameHash(m.targetName(m.target)))
	}
	for i, t := range m.wholeTimes() {
		putTime(data[wholeTimes+8*i:], *t)
	}
	binary.LittleEndian.PutUint32(data[wholeVersion:], m.version)
	queue := m.queue[:min(len(m.queue), wholeQueueMax)]
	data[wholeQueued] = byte(len(queue))
	for i, r := range queue {
		binary.LittleEndian.PutUint64(data[wholeQueue+8*i:], NameHash(m.targetName(r.target)))
		if r.stopFirst {
			data[wholeQueued+1] |= 1 << i
		}
	}
}

// StoredVersion is the version of the configuration that the facts are of. An Apply is stored before anybody can act on it, and its
// configuration is kept before that, so a manager that dies in between leaves two: this tells which of them is in force.
func StoredVersion(t *Table) uint32 {
	i, ok := t.Find(MachineRecord, machineName)
	if !ok {
		return 0
	}
	r, ok := t.Read(i)
	if !ok {
		return 0
	}
	return binary.LittleEndian.Uint32(r.data[wholeVersion:])
}

func (m *Machine) wholeFlags(each func(bit uint32, on *bool)) {
	each(wholeActing, &m.act.on)
	each(wholeStopFirst, &m.act.stopFirst)
	each(wholeAgain, &m.ladder.again)
	each(wholeFallen, &m.ladder.fallen)
	each(wholeLed, &m.ladder.led)
	each(wholeKilled, &m.ending.killed)
	each(wholeFinished, &m.ending.finished)
	each(wholeOwn, &m.ending.own)
}
