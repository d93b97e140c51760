package keeper

import (
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// leave is a state with descriptors that are there, as the environment names it.
func leave(t *testing.T, change func(*State)) State {
	t.Helper()
	k := &Keeper{held: held{}, Options: Options{Args: []string{"--control", "/run/x"}, Env: []string{"A=b\nc"}}}
	if err := k.open(); err != nil {
		t.Fatal(err)
	}
	k.binary, _ = unix.Open("/dev/null", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	a, b := pair(t)
	k.link, k.far = a, b
	for i := range uint64(3) {
		fd, _ := unix.Open("/dev/null", unix.O_RDONLY|unix.O_CLOEXEC, 0)
		k.held[Tag{Use: Output, Run: 2, Name: 1<<63 + i}] = fd
	}
	k.deaths.add(time.Second)
	k.deaths.add(time.Minute)
	k.count, k.booted, k.missed = 3, true, 1<<40
	k.reaper.manager.Store(77)
	s := k.state()
	if change != nil {
		change(&s)
	}
	fd, err := s.write()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		now := k.state()
		for _, f := range now.files()[:5] {
			unix.Close(f)
		}
		for _, f := range k.held {
			unix.Close(f)
		}
		unix.Close(fd)
	})
	t.Setenv(EnvState, strconv.Itoa(fd))
	return s
}

// TestInherited: what a keeper leaves is what the next program finds, and its keeper is then the same.
func TestInherited(t *testing.T) {
	want := leave(t, nil)
	got, err := Inherited()
	if err != nil || got == nil {
		t.Fatalf("%v, %v", got, err)
	}
	if diff := cmp.Diff(want, *got); diff != "" {
		t.Error(diff)
	}
	k := &Keeper{held: held{}}
	if err := k.resume(got); err != nil {
		t.Fatal(err)
	}
	now := k.state()
	for _, s := range []*State{&want, &now} {
		order(s.Held)
	}
	if diff := cmp.Diff(want, now); diff != "" {
		t.Error(diff)
	}
	for _, fd := range want.files() {
		if flags, _ := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); flags != unix.FD_CLOEXEC {
			t.Errorf("descriptor %d goes to components", fd)
		}
	}
}

func order(list []heldFile) {
	for i := range list {
		for j := range i {
			if list[i].Tag.Name < list[j].Tag.Name {
				list[i], list[j] = list[j], list[i]
			}
		}
	}
}

// TestNotInherited: a variable that somebody else has set is no state, and a state of another process is not ours.
func TestNotInherited(t *testing.T) {
	for _, value := range []string{"", "x", "-1", "2", "99999", "3"} {
		t.Setenv(EnvState, value)
		if s, err := Inherited(); s != nil || err != nil {
			t.Errorf("%q: %v, %v", value, s, err)
		}
	}
	leave(t, func(s *State) { s.PID++ })
	if s, err := Inherited(); s != nil || err != nil {
		t.Errorf("of another process: %v, %v", s, err)
	}
}

// TestTry: a program says that it can take over, or why not.
func TestTry(t *testing.T) {
	for _, row := range []struct {
		name   string
		change func(*State)
		want   string
	}{
		{"well", nil, ""},
		{"a format of later", func(s *State) { s.Format++ }, "format 2 is not known, 1 is"},
		{"a descriptor that is not there", func(s *State) { s.Held[0].FD = 9999 }, "descriptor 9999 of the keeper: bad file descriptor"},
		{"a ring that is none", func(s *State) { s.Ring = s.Binary }, "exit ring"},
	} {
		t.Run(row.name, func(t *testing.T) {
			leave(t, row.change)
			r, w, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			t.Setenv(EnvAnswer, strconv.Itoa(int(w.Fd())))
			err = Try()
			w.Close()
			var b [32]byte
			n, _ := r.Read(b[:])
			if row.want == "" {
				if err != nil || string(b[:n]) != can {
					t.Errorf("%q, %v", b[:n], err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), row.want) || n > 0 {
				t.Errorf("%v, answer %q; want %q and none", err, b[:n], row.want)
			}
		})
	}
}

func FuzzState(f *testing.F) {
	f.Add([]byte(`{"Format":1,"PID":1,"Held":[{"Tag":{"Use":3,"Run":1,"Name":18446744073709551615},"FD":9}],"Dog":{"FD":-1}}`))
	f.Add([]byte(`{"Format":2}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if s, err := decodeState(b); err == nil && s.Format != stateFormat {
			t.Errorf("%q is taken", b)
		}
	})
}
