package powercut

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
)

// record is an entry of a log as the driver writes it.
func record(at, flags uint64, data []byte) []byte {
	b := make([]byte, sector, sector+len(data))
	for i, v := range []uint64{at, uint64(len(data)) / sector, flags} {
		binary.LittleEndian.PutUint64(b[8*i:], v)
	}
	return append(b, data...)
}

func TestApply(t *testing.T) {
	t.Parallel()
	fill := func(c byte) []byte { return bytes.Repeat([]byte{c}, sector) }
	log := bytes.Join([][]byte{
		make([]byte, sector), record(0, 0, fill('a')), record(1, 0, fill('b')), record(0, flush, nil), record(2, fua, fill('f')),
		record(3, 0, fill('u')), record(0, 0, fill('n')), record(0, discard, nil), record(4, 0, fill('t'))[:700],
	}, nil)
	seen := map[string]bool{}
	for seed := range uint64(40) {
		dir := t.TempDir()
		disk, file := filepath.Join(dir, "disk"), filepath.Join(dir, "log")
		if err := os.WriteFile(disk, bytes.Repeat([]byte{'.'}, 6*sector), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, log, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, _, err := Apply(disk, file, rand.New(rand.NewPCG(seed, 0))); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(disk)
		if err != nil {
			t.Fatal(err)
		}
		var each []byte
		for i := range 6 {
			each = append(each, got[i*sector])
		}
		seen[string(each)] = true
	}
	for _, want := range []string{"abf...", "nbf...", "abfu..", "nbfu.."} {
		if !seen[want] {
			t.Errorf("never %q", want)
		}
		delete(seen, want)
	}
	if len(seen) > 0 {
		t.Errorf("also %v", seen)
	}
}
