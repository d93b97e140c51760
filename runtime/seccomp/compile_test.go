package seccomp

import (
	"encoding/binary"
	"fmt"
	"slices"
	"testing"

	"github.com/orderly-init/orderly/runtime/calls"
	"golang.org/x/net/bpf"
)

// judge runs a filter as the kernel does. The machine of the package loads
// words as the network writes them, so the struct is written that way.
func judge(t *testing.T, code []uint64, arch, number uint32, args ...uint64) Action {
	t.Helper()
	raw := make([]bpf.RawInstruction, 0, len(code))
	for _, w := range code {
		raw = append(raw, bpf.RawInstruction{Op: uint16(w), Jt: uint8(w >> 16), Jf: uint8(w >> 24), K: uint32(w >> 32)})
	}
	list, all := bpf.Disassemble(raw)
	if !all {
		t.Fatal("an instruction is not known")
	}
	vm, err := bpf.NewVM(list)
	if err != nil {
		t.Fatal(err)
	}
	data := make([]byte, 64)
	binary.BigEndian.PutUint32(data[atNumber:], number)
	binary.BigEndian.PutUint32(data[atArch:], arch)
	for i, a := range args {
		binary.BigEndian.PutUint32(data[atArguments+8*i:], uint32(a))
		binary.BigEndian.PutUint32(data[atArguments+8*i+4:], uint32(a>>32))
	}
	n, err := vm.Run(data)
	if err != nil {
		t.Fatal(err)
	}
	return Action(uint32(n))
}

func arches() []calls.Arch { return []calls.Arch{calls.AMD64, calls.ARM64, calls.ARM} }

// Every number of every architecture gets what the profile says, and its
// neighbours the default.
func TestEveryNumber(t *testing.T) {
	t.Parallel()
	names := calls.Names()
	deny := names[:len(names)/3]
	p := Profile{Default: Errno(38), Rules: []Rule{{Names: deny, Action: Kill}, {Names: names[len(names)/2:], Action: Allow}, {Names: names, Action: Log}}}
	for _, a := range arches() {
		code, err := Compile(p, a)
		if err != nil {
			t.Fatal(err)
		}
		want := map[uint32]Action{}
		for name, n := range calls.Numbers(a) {
			i, _ := slices.BinarySearch(names, name)
			switch {
			case slices.Contains(always(), name):
				want[n] = Allow
			case i < len(deny):
				want[n] = Kill
			case i >= len(names)/2:
				want[n] = Allow
			default:
				want[n] = Log
			}
		}
		for n := range uint32(600) {
			expected, known := want[n]
			if !known {
				expected = Errno(38)
			}
			if got := judge(t, code, auditArch(a), n); got != expected {
				t.Errorf("%d: %d: got %#x, want %#x", a, n, got, expected)
			}
		}
	}
}

// Another architecture and x32 are refused whatever the profile allows.
func TestOtherABIs(t *testing.T) {
	t.Parallel()
	for _, a := range arches() {
		code, err := Compile(Profile{Default: Allow}, a)
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range arches() {
			want := Kill
			if a == b {
				want = Allow
			}
			if got := judge(t, code, auditArch(b), 1); got != want {
				t.Errorf("%d on a filter of %d: %#x", b, a, got)
			}
		}
		want := Allow
		if a == calls.AMD64 {
			want = Kill
		}
		if got := judge(t, code, auditArch(a), x32|1); got != want {
			t.Errorf("x32 on %d: %#x", a, got)
		}
	}
}

func TestConditions(t *testing.T) {
	t.Parallel()
	const big = 5<<32 | 7
	values := []uint64{0, 6, 7, 8, 4<<32 | 8, 5 << 32, 5<<32 | 6, big, 5<<32 | 8, 6 << 32, ^uint64(0)}
	holds := map[Compare]func(v uint64) bool{
		Equal: func(v uint64) bool { return v == big }, NotEqual: func(v uint64) bool { return v != big },
		Less: func(v uint64) bool { return v < big }, LessOrEqual: func(v uint64) bool { return v <= big },
		Greater: func(v uint64) bool { return v > big }, GreaterOrEqual: func(v uint64) bool { return v >= big },
		Masked: func(v uint64) bool { return v&(4<<32|6) == 4<<32|6 },
	}
	for compare, want := range holds {
		c := Condition{Index: 2, Compare: compare, Value: big}
		if compare == Masked {
			c.Mask, c.Value = 4<<32|6, 4<<32|6
		}
		p := Profile{Default: Kill, Rules: []Rule{
			{Names: []string{"read"}, Action: Allow, If: []Condition{{Index: 0, Value: 9}, c}},
			{Names: []string{"read"}, Action: Log, If: []Condition{{Index: 1, Value: 3}}},
		}}
		code, err := Compile(p, calls.AMD64)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range values {
			for _, first := range []uint64{9, 8} {
				expected := Log
				if first == 9 && want(v) {
					expected = Allow
				}
				if got := judge(t, code, auditArch(calls.AMD64), 0, first, 3, v); got != expected {
					t.Errorf("%d: %#x, %d: got %#x, want %#x", compare, v, first, got, expected)
				}
			}
			if got := judge(t, code, auditArch(calls.AMD64), 0, 8, 4, v); got != Kill {
				t.Errorf("%d: %#x: no rule matches: got %#x", compare, v, got)
			}
		}
	}
}

func TestTooLong(t *testing.T) {
	t.Parallel()
	var p Profile
	for i := range 100 {
		p.Rules = append(p.Rules, Rule{Names: []string{"read"}, If: []Condition{{Value: uint64(i)}}})
	}
	if _, err := Compile(p, calls.ARM); fmt.Sprint(err) != "too many conditions for one system call" {
		t.Error(err)
	}
}

// The profile of container engines: what it lets through depends on the
// capabilities.
func TestDefault(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		capabilities []string
		call         string
		args         []uint64
		want         Action
	}{
		{nil, "read", nil, Allow},
		{nil, "mount", nil, Errno(1)},
		{[]string{"CAP_SYS_ADMIN"}, "mount", nil, Allow},
		{nil, "reboot", nil, Errno(1)},
		{nil, "clone", []uint64{0x11}, Allow},
		{nil, "clone", []uint64{0x10000011}, Errno(1)},
		{nil, "clone3", nil, Errno(38)},
		{nil, "socket", []uint64{1}, Allow},
		{nil, "socket", []uint64{38}, Errno(1)},
		{nil, "socket", []uint64{40}, Errno(1)},
		{nil, "socket", []uint64{16}, Allow},
	} {
		p, err := Default(row.capabilities)
		if err != nil {
			t.Fatal(err)
		}
		a, _ := calls.Of("amd64")
		code, err := Compile(p, a)
		if err != nil {
			t.Fatal(err)
		}
		if got := judge(t, code, auditArch(a), calls.Numbers(a)[row.call], row.args...); got != row.want {
			t.Errorf("%s %v %v: got %#x, want %#x", row.call, row.args, row.capabilities, got, row.want)
		}
	}
}

func BenchmarkDefault(b *testing.B) {
	for b.Loop() {
		p, err := Default(nil)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := Compile(p, calls.AMD64); err != nil {
			b.Fatal(err)
		}
	}
}
