package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/orderly-init/orderly/qemu/cpio"
	"github.com/orderly-init/orderly/qemu/guest"
	"github.com/orderly-init/orderly/qemu/image"
)

// besideCrun starts the same containers by Orderly, crun and runc in a guest, since crun wants nothing but version 2 of cgroups. The
// clock counts instructions, 2 ns each. Where Orderly is the floor's neighbour in other lines, here crun is the floor.
func besideCrun(l *lab) ([]row, error) {
	o, err := crunOptions(l)
	if err != nil {
		return nil, err
	}
	figures, err := raceOnce(o)
	if err != nil {
		return nil, err
	}
	var rows []row
	for _, n := range []int{1, l.crowd} {
		rows = append(rows, figures.rows(n)...)
	}
	return rows, nil
}

// racePatience bounds some ten thousand million instructions on a host that others use.
const racePatience = 30 * time.Minute

// figures are milliseconds by engine and number of containers.
type figures map[string]float64

func (f figures) of(engine string, n int) float64 { return f[engine+" "+strconv.Itoa(n)] }

func (f figures) rows(n int) []row {
	name := "arm64 guest: a bundle, floor is crun"
	if n > 1 {
		name = fmt.Sprintf("arm64 guest: %d bundles at once, floor is crun", n)
	}
	got := f.of("orderly", n)
	return []row{
		{name: name, unit: "ms", floor: f.of("crun", n), got: got, goal: goal{ofFloor, 0.25}},
		{name: "  both without an overlay", unit: "ms", floor: f.of("crun-bare", n), got: f.of("orderly-bare", n)},
		{name: "  floor is runc", unit: "ms", floor: f.of("runc", n), got: got},
	}
}

// crunOptions build a system in memory, with the three engines. Its root must be one that can be pivoted away from: the first
// program copies all of it to a tmpfs, and goes there.
func crunOptions(l *lab) (guest.Options, error) {
	b, err := image.Open(func(s string) { fmt.Fprintln(os.Stderr, "bench: "+s) })
	if err != nil {
		return guest.Options{}, err
	}
	defer b.Close()
	arch := image.ARM64()
	kernel, err := b.Kernel(arch)
	if err != nil {
		return guest.Options{}, err
	}
	entries, err := engineEntries(b, arch)
	if err != nil {
		return guest.Options{}, err
	}
	config, err := bundle(boxRoot, "box", "")
	if err != nil {
		return guest.Options{}, err
	}
	entries = append(entries, cpio.File(boxBundle+"/config.json", 0o644, config),
		cpio.File("init", 0o755, []byte(moveToMemory)), cpio.File("box/mark", 0o755, service("/proc/self/fd/1")),
		cpio.Dir("box/dev"), cpio.Dir("box/proc"), cpio.Dir("box/sys"),
		cpio.File("etc/orderly/main.toml", 0o644, []byte(raceConfig(max(l.starts/4, 5), l.crowd))))
	rd, err := b.Memory("bench-crun", "arm64", arch, kernel, []string{"overlay"}, entries)
	return guest.Options{Kernel: kernel.Image, Initrd: rd, Clock: guest.CountSkipping, MemoryMB: 3072}, err
}

const moveToMemory = `#!/bin/busybox sh
busybox mkdir /new
busybox mount -t tmpfs -o mode=0755 root /new
busybox cp -a /bin /box /bundle /dev /etc /lib /proc /root /run /sbin /sys /tmp /new
exec busybox switch_root /new /sbin/orderly
`

// engineEntries are crun, runc, their libraries, and the program that measures, which is the bench itself.
func engineEntries(b *image.Builder, arch image.Arch) ([]cpio.Entry, error) {
	tree, err := b.Packages(arch, "crun", "runc")
	if err != nil {
		return nil, err
	}
	bench, err := b.Binary("bench", arch.Go)
	if err != nil {
		return nil, err
	}
	files := map[string]string{bench: "sbin/bench", filepath.Join(tree, "usr/bin/crun"): "bin/crun", filepath.Join(tree, "usr/sbin/runc"): "bin/runc"}
	for _, pattern := range []string{"ld-linux-*", "*-linux-gnu/*.so*"} {
		found, err := filepath.Glob(filepath.Join(tree, "usr/lib", pattern))
		if err != nil || len(found) == 0 {
			return nil, errors.Join(err, fmt.Errorf("no %s in the packages of crun and runc", pattern))
		}
		for _, f := range found {
			files[f] = strings.TrimPrefix(f, filepath.Join(tree, "usr")+"/")
		}
	}
	var entries []cpio.Entry
	for from, to := range files {
		e, err := entryOf(from, to)
		if err != nil {
			return nil, err
		}
		entries = append(entries, e)
	}
	return entries, nil
}

func entryOf(from, to string) (cpio.Entry, error) {
	st, err := os.Lstat(from)
	if err != nil {
		return cpio.Entry{}, err
	}
	if st.Mode()&fs.ModeSymlink != 0 {
		target, err := os.Readlink(from)
		return cpio.Link(to, target), err
	}
	data, err := os.ReadFile(from)
	return cpio.File(to, 0o755, data), err
}

// raceConfig has the containers, with and without an overlay, and the program that asks for them.
func raceConfig(starts, crowd int) string {
	var b strings.Builder
	fmt.Fprintf(&b, `initial_target = "idle"
[system]
modules = ["overlay"]
[log]
console = "warning"
[component.race]
command = ["/sbin/bench", "--inside", "--starts", "%d", "--crowd", "%d"]
output = { stdout = "console", stderr = "console" }
[template.bundle]
stop_signal = "KILL"
output = { stdout = "file:%s" }
container.bundle = %q
[target.idle]
depends_on = ["race"]
`, starts, crowd, boxMarks, boxBundle)
	for suffix, overlay := range map[string]string{"": "container.overlay = \"tmpfs\"\n", "-bare": ""} {
		for i := range crowd {
			fmt.Fprintf(&b, "[component.%s%s]\ntemplate = \"bundle\"\n%s", componentName(i), suffix, overlay)
		}
		writeRace(&b, "one"+suffix, suffix, 1)
		writeRace(&b, "many"+suffix, suffix, crowd)
	}
	return b.String()
}

// writeRace writes a target of some of the containers.
func writeRace(b *strings.Builder, target, suffix string, n int) {
	fmt.Fprintf(b, "[target.%s]\ndepends_on = [\"race\"", target)
	for i := range n {
		fmt.Fprintf(b, ", %q", componentName(i)+suffix)
	}
	b.WriteString("]\n")
}

// raceOnce boots the guest and reads the figures off the console.
func raceOnce(o guest.Options) (figures, error) {
	g, err := guest.Start(o, nil)
	if err != nil {
		return nil, err
	}
	defer g.Kill()
	if _, err := g.Expect(racePatience, "figures end"); err != nil {
		return nil, fmt.Errorf("%w\n%s", err, g.Console())
	}
	f := figures{}
	for _, m := range regexp.MustCompile(`figure (\S+ \d+) ([\d.]+)`).FindAllStringSubmatch(g.Console(), -1) {
		if f[m[1]], err = strconv.ParseFloat(m[2], 64); err != nil {
			return nil, err
		}
	}
	if strings.Contains(g.Console(), "figures failed") {
		return nil, fmt.Errorf("the guest has failed\n%s", g.Console())
	}
	return f, nil
}
