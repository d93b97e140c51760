package qemu

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/orderly-init/orderly/qemu/cpio"
	"github.com/orderly-init/orderly/qemu/guest"
	"github.com/orderly-init/orderly/qemu/image"
	"github.com/orderly-init/orderly/qemu/powercut"
)

// numbered is a configuration that has its number at its beginning and at its end, and is longer than a disk writes at once.
func numbered(n string) string {
	component := func(name string) string {
		return fmt.Sprintf("[component.%s]\ncommand = [\"/bin/sleep\", \"1000\"]\nenvironment = { NUMBER = \"%s\" }\n", name, n)
	}
	return component("first") + strings.Repeat("# nothing that anybody would want to read\n", 300) +
		"[target.main]\ndepends_on = [\"first\", \"last\"]\n" + component("last")
}

// applier changes the configuration again and again, as an update does: a new file takes the place of the old one, is tried, and is
// confirmed. What it says has happened when it says it.
const applier = `n=$1
while :; do
	n=$((n+1))
	sed "s/NUMBERED/$n/" /etc/template > /etc/orderly/.new
	sync /etc/orderly/.new
	mv /etc/orderly/.new /etc/orderly/test.toml
	echo written $n
	sync /etc/orderly
	orderly apply --confirm 10m > /dev/null || exit
	orderly confirm > /dev/null || exit
	echo confirmed $n
	usleep 100000
done
`

// cutDisk is a disk whose power is cut: what the machine writes is logged, and its own file is none that survives.
type cutDisk struct {
	file string
	work string // what the running machine has
	log  string
}

// boot boots a copy of the disk.
func (d cutDisk) boot(t *testing.T, set image.Set) machine {
	t.Helper()
	if err := image.Copy(d.file, d.work); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(d.log, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	return boot(t, guest.Options{
		Kernel: set.Kernel, Initrd: set.Stage1, Append: []string{"root=LABEL=orderly-root", "rw", "stage1.agent=/sbin/agent"},
		Extra: []string{
			"-blockdev", "driver=file,node-name=work,filename=" + d.work, "-blockdev", "driver=file,node-name=log,filename=" + d.log,
			"-blockdev", "driver=blklogwrites,node-name=disk,file=work,log=log", "-device", "virtio-blk-pci,drive=disk",
		},
	})
}

// cut takes the power away, and leaves on the disk what it was told to keep, with any part of what it was not.
func (d cutDisk) cut(m machine, random *rand.Rand) string {
	m.t.Helper()
	m.Kill()
	kept, lost, err := powercut.Apply(d.file, d.log, random)
	if err != nil {
		m.t.Fatal(err)
	}
	return fmt.Sprintf("%d blocks kept, %d lost", kept, lost)
}

// The power is cut at a random moment while configurations are written, applied on trial and confirmed, again and again on one disk,
// which loses what it was not told to keep. Each boot after it is a good one with one configuration, whole: one that was confirmed is not
// lost, and none is older.
func TestPowerCutsWhileConfigurationsChange(t *testing.T) {
	cuts := 5
	if os.Getenv("ORDERLY_SLOW_TESTS") != "" {
		cuts = 100
	}
	set, d := cutSet(t)
	seed := uint64(time.Now().UnixNano())
	if text := os.Getenv("ORDERLY_SEED"); text != "" {
		n, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		seed = n
	}
	t.Logf("ORDERLY_SEED=%d cuts at the same moments, as far as the machine keeps time", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	confirmed, written := 0, 0
	seeds := map[string]bool{}
	for n := range cuts + 1 {
		m := d.boot(t, set)
		m.reaches("main")
		got := m.number()
		if got < confirmed || got > written {
			t.Fatalf("cut %d: configuration %d is in force, %d was confirmed and %d written", n, got, confirmed, written)
		}
		m.sound(n, seeds)
		if n == cuts {
			m.powerOff()
			break
		}
		confirmed, written = m.applies(got, max(got, confirmed), written, time.Duration(random.Int64N(int64(2*time.Second))))
		t.Logf("cut %d: booted with %d; %d confirmed, %d written; %s", n+1, got, confirmed, written, d.cut(m, random))
	}
}

// cutSet is what boots, and a disk with configuration 0.
func cutSet(t *testing.T) (image.Set, cutDisk) {
	t.Helper()
	var root string
	set := build(t, func(b *image.Builder) (s image.Set, err error) {
		a := image.ARM64()
		k, err := b.Kernel(a)
		if err != nil {
			return s, err
		}
		s.Kernel = k.Image
		if s.Stage1, err = b.Stage1(a, k); err != nil {
			return s, err
		}
		root, err = b.SmallRoot("powercut", a.Go, a, []cpio.Entry{
			cpio.File("etc/orderly/test.toml", 0o644, []byte(numbered("0"))), cpio.File("etc/template", 0o644, []byte(numbered("NUMBERED"))),
			cpio.File("sbin/applier", 0o755, []byte("#!/bin/sh\n"+applier)),
		})
		return s, err
	})
	dir := t.TempDir()
	d := cutDisk{file: filepath.Join(dir, "disk"), work: filepath.Join(dir, "work"), log: filepath.Join(dir, "log")}
	if err := image.Copy(root, d.file); err != nil {
		t.Fatal(err)
	}
	return set, d
}

// number is that of the configuration in force, which every part of it must agree on.
func (m machine) number() int {
	m.t.Helper()
	var all []string
	for _, name := range []string{"first", "last"} {
		c := m.component(name)
		all = append(all, strings.TrimSpace(m.sh(fmt.Sprintf("grep -ao 'NUMBER=[0-9]*' /proc/%d/environ", c.PID))))
	}
	n, err := strconv.Atoi(strings.TrimPrefix(all[0], "NUMBER="))
	if err != nil || all[0] != all[1] {
		m.t.Fatalf("the configuration in force is half of %s and half of %s", all[0], all[1])
	}
	return n
}

// sound looks at the state that outlives a boot: the last end, the random seed, which no two boots share, and no note of anything else.
func (m machine) sound(n int, seeds map[string]bool) {
	m.t.Helper()
	var notes []string
	for line := range strings.Lines(m.run("orderly", "status")) {
		note, ok := strings.CutPrefix(strings.TrimSpace(line), "note: ")
		if ok && !strings.HasPrefix(note, "the configuration on the disk was not confirmed") {
			notes = append(notes, note)
		}
	}
	if want := min(n, 1); len(notes) != want || want == 1 && !strings.HasPrefix(notes[0], "last end: nobody asked for it") {
		m.t.Errorf("cut %d: notes %q", n, notes)
	}
	seed := m.sh("cd /var/lib/orderly; stat -c %s random-seed; sha256sum < random-seed")
	if !strings.HasPrefix(seed, "512\n") || seeds[seed] {
		m.t.Errorf("cut %d: the random seed is %q, before it was %v", n, seed, seeds)
	}
	seeds[seed] = true
}

// applies has the applier at work for a while, and returns what it has said until then.
func (m machine) applies(from, confirmed, written int, while time.Duration) (int, int) {
	m.t.Helper()
	f, err := m.Follow("/sbin/applier", strconv.Itoa(max(from, written)))
	if err != nil {
		m.t.Fatal(err)
	}
	hear := func(limit time.Duration) bool {
		line, err := f.Line(limit)
		if err != nil {
			return false
		}
		word, number, _ := strings.Cut(line, " ")
		n, err := strconv.Atoi(number)
		if err != nil {
			m.t.Fatalf("the applier says %q", line)
		}
		if word == "confirmed" {
			confirmed = n
		}
		written = n + 2 // it may be further by now
		return true
	}
	if !hear(long) {
		m.t.Fatal("the applier says nothing")
	}
	for end := time.Now().Add(while); time.Now().Before(end) && hear(time.Until(end)); {
	}
	return confirmed, written
}
