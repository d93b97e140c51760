// Package journal is the event stream: the newest events with their numbers, in memory that survives the manager.
//
// It owns the form of an event in a memfd, the numbering, and the waiting of those who follow. It must not know
// what an event means.
//
//	manager ──► Append ──► ring of records (memfd, held by the keeper) ──► After ──► events, history
//
// A record is written before its number is, so a manager that dies in between has not told the event, and the
// next one goes on with the same number.
package journal

import (
	"encoding/binary"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"
)

// The form of the memory: a head of one record, then the records.
const (
	recordSize = 256
	records    = 2048
	fixed      = 32 // bytes of a record before its text
	// Size of the memory in bytes. What was never written takes none.
	Size = recordSize * (records + 1)
)

// Kind says what an event is about.
type Kind uint8

// The kinds.
const (
	Component Kind = iota + 1
	Target
	System
)

// Event is one thing that happened. From and To are the numbers of states, which the journal does not interpret.
type Event struct {
	Seq      uint64
	Time     time.Duration // since boot
	Kind     Kind
	From, To uint8
	Run      uint32
	Name     string // of the component or target
	Text     string // why; cut where it does not fit
}

// Journal is the ring. Append belongs to one goroutine; the others may be called from any.
type Journal struct {
	mem []byte

	mu   sync.Mutex // of news, and of records against readers
	news chan struct{}
}

// Open uses memory of Size bytes, new and zero or that of an earlier manager.
func Open(mem []byte) (*Journal, error) {
	if len(mem) < Size {
		return nil, fmt.Errorf("journal: %d bytes are too few", len(mem))
	}
	j := &Journal{mem: mem[:Size], news: make(chan struct{})}
	if j.Last() == 0 {
		j.logged().CompareAndSwap(0, 1)
	}
	return j, nil
}

func (j *Journal) head() *atomic.Uint64 { return (*atomic.Uint64)(unsafe.Pointer(&j.mem[0])) }

// logged is the number of the newest event that is in the log, and one more: 0 is what versions leave that do not know it.
func (j *Journal) logged() *atomic.Uint64 { return (*atomic.Uint64)(unsafe.Pointer(&j.mem[8])) }

// Logged notes that the events up to this one are in the log.
func (j *Journal) Logged(seq uint64) { j.logged().Store(seq + 1) }

// Unlogged are the events that an earlier manager did not get into the log.
func (j *Journal) Unlogged() []Event {
	n := j.logged().Load()
	if n == 0 {
		return nil
	}
	all, _ := j.After(n-1, 0)
	return all
}

func (j *Journal) record(seq uint64) []byte {
	at := recordSize * (1 + int(seq%records))
	return j.mem[at : at+recordSize]
}

// Last is the number of the newest event, 0 before the first.
func (j *Journal) Last() uint64 { return j.head().Load() }

// Append adds an event, gives it its number and wakes those who wait.
func (j *Journal) Append(e Event) uint64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	e.Seq = j.Last() + 1
	encode(j.record(e.Seq), &e)
	j.head().Store(e.Seq)
	close(j.news)
	j.news = make(chan struct{})
	return e.Seq
}

// After returns the events with a number above seq that are still there, at most limit of them (0 is all), and a
// channel that is closed when there is a newer one than the newest now.
func (j *Journal) After(seq uint64, limit int) ([]Event, <-chan struct{}) {
	j.mu.Lock()
	defer j.mu.Unlock()
	last := j.Last()
	if last > records && seq < last-records {
		seq = last - records
	}
	var all []Event
	for seq < last && (limit == 0 || len(all) < limit) {
		seq++
		if e, ok := decode(j.record(seq)); ok && e.Seq == seq {
			all = append(all, e)
		}
	}
	return all, j.news
}

func encode(b []byte, e *Event) {
	name := e.Name[:min(len(e.Name), 127)]
	text := e.Text[:min(len(e.Text), recordSize-fixed-len(name))]
	binary.LittleEndian.PutUint64(b, e.Seq)
	binary.LittleEndian.PutUint64(b[8:], uint64(e.Time))
	binary.LittleEndian.PutUint32(b[16:], e.Run)
	b[20], b[21], b[22], b[23], b[24] = byte(e.Kind), e.From, e.To, byte(len(name)), byte(len(text))
	copy(b[fixed:], name)
	copy(b[fixed+len(name):], text)
}

func decode(b []byte) (Event, bool) {
	name, text := int(b[23]), int(b[24])
	if fixed+name+text > recordSize {
		return Event{}, false
	}
	return Event{
		Seq:  binary.LittleEndian.Uint64(b),
		Time: time.Duration(binary.LittleEndian.Uint64(b[8:])),
		Run:  binary.LittleEndian.Uint32(b[16:]),
		Kind: Kind(b[20]), From: b[21], To: b[22],
		Name: string(b[fixed : fixed+name]),
		Text: string(b[fixed+name : fixed+name+text]),
	}, true
}
