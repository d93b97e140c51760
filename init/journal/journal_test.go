package journal

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestJournalGoesOnInTheSameMemory(t *testing.T) {
	t.Parallel()
	mem := make([]byte, Size)
	j, err := Open(mem)
	if err != nil {
		t.Fatal(err)
	}
	first := Event{Time: time.Second, Kind: Component, From: 1, To: 2, Run: 3, Name: "x", Text: "exit 1"}
	j.Append(first)
	again, err := Open(mem)
	if err != nil {
		t.Fatal(err)
	}
	_, news := again.After(1, 0)
	again.Append(Event{Name: "y", Text: strings.Repeat("z", 1000)})
	select {
	case <-news:
	default:
		t.Error("those who wait were not woken")
	}
	got, _ := again.After(0, 0)
	first.Seq = 1
	want := []Event{first, {Seq: 2, Name: "y", Text: strings.Repeat("z", recordSize-fixed-1)}}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestJournalKeepsTheNewest(t *testing.T) {
	t.Parallel()
	j, err := Open(make([]byte, Size))
	if err != nil {
		t.Fatal(err)
	}
	for range 3*records + 5 {
		j.Append(Event{Name: "x"})
	}
	got, _ := j.After(0, 0)
	if len(got) != records || got[0].Seq != 2*records+6 || got[records-1].Seq != 3*records+5 {
		t.Fatalf("%d events from %d to %d", len(got), got[0].Seq, got[len(got)-1].Seq)
	}
	if got, _ := j.After(3*records, 2); len(got) != 2 || got[0].Seq != 3*records+1 {
		t.Fatalf("%v", got)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(make([]byte, recordSize))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) < recordSize {
			return
		}
		if e, ok := decode(b[:recordSize]); ok {
			out := make([]byte, recordSize)
			encode(out, &e)
			if again, ok := decode(out); !ok || len(e.Name) < 128 && again != e {
				t.Fatalf("%+v, %+v", e, again)
			}
		}
	})
}

// What a manager has told and not logged is known to the next one; a version that knows nothing of it leaves nothing to log.
func TestUnlogged(t *testing.T) {
	t.Parallel()
	mem := make([]byte, Size)
	j, err := Open(mem)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"a", "b", "c"} {
		j.Append(Event{Name: name})
	}
	names := func() (list []string) {
		again, err := Open(mem)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range again.Unlogged() {
			list = append(list, e.Name)
		}
		return list
	}
	if d := cmp.Diff([]string{"a", "b", "c"}, names()); d != "" {
		t.Error(d)
	}
	j.Logged(2)
	if d := cmp.Diff([]string{"c"}, names()); d != "" {
		t.Error(d)
	}
	j.logged().Store(0)
	if list := names(); list != nil {
		t.Errorf("of another version: %q", list)
	}
}
