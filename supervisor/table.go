package supervisor

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
)

// Sizes of the facts table in bytes. The first record's place is the header.
const (
	RecordSize = 512
	LiveSize   = 64
	slotSize   = 224
	dataSize   = slotSize - 8
)

// Kind tells what a record of the table is about.
type Kind uint8

// The kinds. The zero value is a free record.
const (
	FreeRecord Kind = iota
	ComponentRecord
	TargetRecord
	MachineRecord
	CommandRecord   // a helper process, kept by whoever starts it
	ConditionRecord // a condition that a component has raised
)

// Table is the facts table over a mapping that outlives its writer: a header and records of 512 bytes.
//
//	record:  0 live area, written by kernel and child: the pid first (int32)
//	        64 slot A {crc32c, seq, data}
//	       288 slot B {crc32c, seq, data}
//
// The older slot is written, data before checksum, so a writer that dies leaves the other one valid. The reader takes the
// valid slot with the higher seq. A record belongs to a kind and a name's hash, not to a number, so it outlives a
// change of the configuration.
type Table struct {
	data  []byte
	index map[recordKey]int
	free  []int // records that were used and are free, the highest first
}

type recordKey struct {
	kind Kind
	name uint64
}

// ErrFull tells that a table has no free record: a larger mapping is needed.
var ErrFull = errors.New("facts table is full")

const tableMagic = "ORDERLY1"

// tableUsed is where the header says how many records were ever used. Those above are not looked at: a page of the
// mapping that is read takes memory, too.
const tableUsed = 8

// TableSize is the size of the mapping for so many records.
func TableSize(records int) int { return (records + 1) * RecordSize }

// OpenTable reads a mapping. One that is all zero becomes an empty table.
func OpenTable(data []byte) (*Table, error) {
	if len(data) < TableSize(1) || len(data)%RecordSize != 0 {
		return nil, fmt.Errorf("facts table: %d bytes are no whole number of records", len(data))
	}
	t := &Table{data: data, index: map[recordKey]int{}}
	switch string(data[:8]) {
	case "\x00\x00\x00\x00\x00\x00\x00\x00":
		copy(data, tableMagic)
	case tableMagic:
	default:
		return nil, errors.New("facts table: not a table of this version")
	}
	if uint(t.Len()) > uint(t.room()) { // on 32 bits the number may be negative
		return nil, fmt.Errorf("facts table: %d records are more than fit", t.Len())
	}
	for i := t.Len() - 1; i >= 0; i-- {
		r, ok := t.Read(i)
		if !ok || r.Kind == FreeRecord {
			t.free = append(t.free, i)
			continue
		}
		t.index[recordKey{r.Kind, r.Name}] = i
	}
	return t, nil
}

// Len is the number of records that were ever used, free ones too.
func (t *Table) Len() int { return int(binary.LittleEndian.Uint32(t.data[tableUsed:])) }

func (t *Table) room() int { return len(t.data)/RecordSize - 1 }

// Record is what every record begins with.
type Record struct {
	Kind Kind
	Name uint64 // NameHash of the name
	Run  uint32
	data []byte // the whole data of the slot
}

// NameHash is how names are kept in records: FNV-1a with 64 bits.
func NameHash(name string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(name) {
		h = (h ^ uint64(name[i])) * 1099511628211
	}
	return h
}

// Find returns the record of a name.
func (t *Table) Find(kind Kind, name string) (int, bool) {
	i, ok := t.index[recordKey{kind, NameHash(name)}]
	return i, ok
}

// Claim returns the record of a name, a free one when it has none yet, written as the given run with a live area of zeroes.
func (t *Table) Claim(kind Kind, name string, run uint32) (int, error) {
	i, err := t.place(kind, NameHash(name))
	if err != nil {
		return 0, err
	}
	var data [dataSize]byte
	putHead(data[:], kind, NameHash(name), run)
	clear(t.Live(i))
	t.write(i, data[:])
	return i, nil
}

// place finds or takes the record of a name without writing it.
func (t *Table) place(kind Kind, name uint64) (int, error) {
	key := recordKey{kind, name}
	if i, ok := t.index[key]; ok {
		return i, nil
	}
	i, err := t.take()
	if err != nil {
		return 0, err
	}
	t.index[key] = i
	clear(t.Live(i))
	return i, nil
}

// take finds a free record. The header counts it before it is written, so a writer that dies leaves none unseen.
func (t *Table) take() (int, error) {
	if n := len(t.free); n > 0 {
		i := t.free[n-1]
		t.free = t.free[:n-1]
		return i, nil
	}
	i := t.Len()
	if i >= t.room() {
		return 0, ErrFull
	}
	binary.LittleEndian.PutUint32(t.data[tableUsed:], uint32(i+1))
	return i, nil
}

// Free gives a record back.
func (t *Table) Free(i int) {
	r, ok := t.Read(i)
	if !ok || r.Kind == FreeRecord {
		return
	}
	delete(t.index, recordKey{r.Kind, r.Name})
	t.free = append(t.free, i)
	clear(t.Live(i))
	t.write(i, make([]byte, dataSize))
}

// drop gives the record of a name back, if there is one.
func (t *Table) drop(kind Kind, name uint64) {
	if i, ok := t.index[recordKey{kind, name}]; ok {
		t.Free(i)
	}
}

// Live is the area that the kernel and the child write: the pid first, as CLONE_PARENT_SETTID does (clone(2)).
func (t *Table) Live(i int) []byte {
	at := (i + 1) * RecordSize
	return t.data[at : at+LiveSize : at+LiveSize]
}

// PID is the process id in the live area, 0 before the kernel has written one.
func (t *Table) PID(i int) int { return int(int32(binary.NativeEndian.Uint32(t.Live(i)))) }

// Read returns the newest valid content of a record.
func (t *Table) Read(i int) (Record, bool) {
	slot, ok := t.newest(i)
	if !ok {
		return Record{}, false
	}
	data := t.slot(i, slot)[8:]
	return Record{Kind: Kind(data[0]), Run: binary.LittleEndian.Uint32(data[4:]), Name: binary.LittleEndian.Uint64(data[8:]), data: data}, true
}

func putHead(data []byte, kind Kind, name uint64, run uint32) {
	data[0] = byte(kind)
	binary.LittleEndian.PutUint32(data[4:], run)
	binary.LittleEndian.PutUint64(data[8:], name)
}

func (t *Table) slot(i, n int) []byte {
	at := (i+1)*RecordSize + LiveSize + n*slotSize
	return t.data[at : at+slotSize : at+slotSize]
}

// newest is the valid slot with the higher seq.
func (t *Table) newest(i int) (int, bool) {
	a, okA := valid(t.slot(i, 0))
	b, okB := valid(t.slot(i, 1))
	switch {
	case okA && okB && int32(b-a) > 0:
		return 1, true
	case okA:
		return 0, true
	}
	return 1, okB
}

// valid returns the seq of a slot whose checksum holds. seq 0 was never written.
func valid(slot []byte) (uint32, bool) {
	seq := binary.LittleEndian.Uint32(slot[4:])
	return seq, seq != 0 && binary.LittleEndian.Uint32(slot) == checksum(slot[4:])
}

// write puts data into the older slot. Its checksum goes last: until then it does not fit.
func (t *Table) write(i int, data []byte) {
	seq, to := uint32(1), 0
	if newest, ok := t.newest(i); ok {
		seq, to = binary.LittleEndian.Uint32(t.slot(i, newest)[4:])+1, 1-newest
	}
	if seq == 0 {
		seq = 1
	}
	slot := t.slot(i, to)
	copy(slot[8:], data)
	binary.LittleEndian.PutUint32(slot[4:], seq)
	binary.LittleEndian.PutUint32(slot, checksum(slot[4:]))
}

// checksum is CRC-32C, for which processors have an instruction. MakeTable returns one table for ever.
func checksum(b []byte) uint32 { return crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)) }
