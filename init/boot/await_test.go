package boot

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/orderly-init/orderly/targets"
)

func TestAwait(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "disk", "by-name", "data")
	appear := func() {
		os.MkdirAll(filepath.Dir(path), 0o755)
		os.WriteFile(path, nil, 0o600)
	}
	if err := await(context.Background(), path, time.Millisecond); err == nil {
		t.Error("waited for nothing and was happy")
	}
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	if err := await(ended, path, time.Minute); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	go appear()
	if err := await(context.Background(), path, time.Minute); err != nil {
		t.Error(err)
	}
}

func TestFsckExit(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		exit    int
		mounted bool
		level   targets.Level // of what is said, Silent for nothing
		notes   int
	}{
		{0, true, targets.Silent, 0},
		{1, true, targets.Info, 0},
		{2, true, targets.Warning, 1},
		{3, true, targets.Warning, 1},
		{4, false, targets.Silent, 0},
		{5, false, targets.Silent, 0},
		{8, false, targets.Silent, 0},
		{32, false, targets.Silent, 0},
		{128, false, targets.Silent, 0},
		{-1, false, targets.Silent, 0},
	} {
		level := targets.Silent
		u := &up{Options: Options{Say: func(l targets.Level, _ string) { level = l }}}
		err := u.judge("fsck", "/dev/x", row.exit)
		if (err == nil) != row.mounted || level != row.level || len(u.notes) != row.notes {
			t.Errorf("exit %d: %v, level %d, notes %v", row.exit, err, level, u.notes)
		}
	}
}

func TestCheckRunsTheChecker(t *testing.T) {
	t.Parallel()
	var ran []string
	u := &up{ctx: context.Background(), Options: Options{
		Say: func(targets.Level, string) {},
		Run: func(_ context.Context, argv []string) (int, error) { ran = argv; return 4, nil },
	}}
	if err := u.check(targets.Mount{Source: "/dev/x", Type: "nosuchfs"}); err != nil || len(u.notes) != 1 {
		t.Errorf("without a checker: %v %v", err, u.notes)
	}
	program, err := find("fsck.ext4", "e2fsck")
	if err != nil {
		t.Skipf("needs e2fsck: %v", err)
	}
	if err := u.check(targets.Mount{Source: "/dev/x", Type: "ext4"}); err == nil || len(ran) != 3 || ran[0] != program || ran[1] != "-p" || ran[2] != "/dev/x" {
		t.Errorf("ran %q: %v", ran, err)
	}
}

// Nobody answers a checker, and a mount may hang: both are given up with the limit in the message, and what comes of a mount is its source's.
func TestMountIsBounded(t *testing.T) {
	t.Parallel()
	hang := func(ctx context.Context) error {
		if _, bounded := ctx.Deadline(); !bounded {
			t.Error("no limit")
		}
		return context.DeadlineExceeded
	}
	u := &up{ctx: context.Background(), Options: Options{
		Say:   func(targets.Level, string) {},
		Run:   func(ctx context.Context, _ []string) (int, error) { return -1, hang(ctx) },
		Mount: func(ctx context.Context, m targets.Mount) error { return hang(ctx) },
	}}
	m := targets.Mount{Source: "none", Target: filepath.Join(t.TempDir(), "point"), Type: "ext4"}
	if err := u.mount(m); err == nil || err.Error() != "none, ext4: no answer within 1m30s" {
		t.Errorf("a mount that hangs: %v", err)
	}
	u.Mount = func(context.Context, targets.Mount) error { return errors.New("no such device") }
	if err := u.mount(m); err == nil || err.Error() != "none, ext4: no such device" {
		t.Errorf("a mount that fails: %v", err)
	}
	program, err := find("fsck.ext4", "e2fsck")
	if err != nil {
		t.Skipf("needs e2fsck: %v", err)
	}
	m.Fsck = true
	if err := u.mount(m); err == nil || err.Error() != program+" none: not done within 5m0s: killed; not mounted" {
		t.Errorf("a checker that does not end: %v", err)
	}
}
