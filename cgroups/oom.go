package cgroups

import (
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Kills are the counts by which the work of the killer for want of memory is known.
type Kills struct {
	Killed int64 // processes of the group and below
	Own    int64 // times that the group's own limit was reached and nothing could be reclaimed
	Below  int64 // the same for this and those below
	Forks  int64 // processes that the limit of their number did not let come to life
}

// Kills reads them, 0 where the controllers are not on.
func (t *Tree) Kills(name string) Kills {
	all := parseEvents(t.text(name, "memory.events"))
	own := parseEvents(t.text(name, "memory.events.local"))
	return Kills{Killed: all.Killed, Own: own.OOM, Below: all.OOM, Forks: keyed(t.text(name, "pids.events"))("max")}
}

// Since is what has been added.
func (k Kills) Since(before Kills) Kills {
	return Kills{k.Killed - before.Killed, k.Own - before.Own, k.Below - before.Below, k.Forks - before.Forks}
}

// toldMark is the extended attribute of a group's directory that holds the counts that have been told of. It is gone with the
// group, and its counts with it: whoever asks next, another manager too, takes nothing old for new.
const toldMark = "user.orderly.told"

// Told are the counts that have been noted as told of.
func (t *Tree) Told(name string) Kills {
	var buf [128]byte
	n, err := unix.Getxattr(filepath.Join(t.Path, name), toldMark, buf[:])
	if err != nil {
		return Kills{}
	}
	var k Kills
	f := strings.Fields(string(buf[:n]))
	for i, to := range []*int64{&k.Killed, &k.Own, &k.Below, &k.Forks} {
		if i < len(f) {
			*to, _ = strconv.ParseInt(f[i], 10, 64)
		}
	}
	return k
}

// Tell notes them. Before Linux 5.7 the kernel keeps no such notes, and another manager tells of them once more.
func (t *Tree) Tell(name string, k Kills) {
	var text []byte
	for _, n := range []int64{k.Killed, k.Own, k.Below, k.Forks} {
		text = append(strconv.AppendInt(text, n, 10), ' ')
	}
	_ = unix.Setxattr(filepath.Join(t.Path, name), toldMark, text, 0)
}

// LimitAbove is the directory above the tree whose memory.max is the least, and that in bytes; "" where nothing above is limited.
func (t *Tree) LimitAbove() (dir string, limit int64) {
	for d := t.Path; len(d) > len(t.mount); d = filepath.Dir(d) {
		f := words(d, "memory.max")
		if len(f) == 0 {
			continue
		}
		if n, err := strconv.ParseInt(f[0], 10, 64); err == nil && (dir == "" || n < limit) {
			dir, limit = d, n
		}
	}
	return dir, limit
}
