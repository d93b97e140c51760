package main

import (
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/orderly-init/orderly/qemu/cpio"
	"github.com/orderly-init/orderly/qemu/guest"
	"github.com/orderly-init/orderly/qemu/image"
)

// The goal of the boot in the guest, in milliseconds of counted time, and what it may take at most: what it took when that was written, and
// a little more, so that a boot that has become slower is found. An instruction takes 2 ns, as on a slow board.
const (
	guestGoal = 120
	guestGate = 101
	firstGate = 42 // to the first service. The two Go programs alone take 13 to begin
	fastGate  = 20 // to the first service where an instruction takes 1 ns, as on a processor of 1 GHz
)

// guestServices is how many services the guest starts.
const guestServices = 50

// guestPatience bounds a boot on a host that others use.
const guestPatience = 5 * time.Minute

// booted is what the services of one guest have said, in milliseconds since the exec of the init.
type booted struct{ services []float64 }

func (b booted) row() row {
	return row{name: fmt.Sprintf("arm64 guest: exec of init to %d services", guestServices), unit: "ms",
		got: quantile(b.services, 1), goal: goal{atMost, guestGoal}}
}

func (b booted) first() float64 { return quantile(b.services, 0) }

func inGuest(l *lab) ([]row, error) {
	b, err := guestBoot(l.rounds/3+1, guest.CountSleeping)
	if err != nil {
		return nil, err
	}
	fast, err := guestBoot(1, guest.CountFast)
	if err != nil {
		return nil, err
	}
	return []row{b.row(), {name: "  to the first service", unit: "ms", got: b.first()},
		{name: "  the same at 1 ns an instruction", unit: "ms", got: fast.first(), goal: goal{atMost, fastGate}}}, nil
}

// guestBoot boots Orderly as the init of a system without disks and returns the median boot. The clock counts
// instructions, so the time does not depend on the host.
func guestBoot(rounds int, clock guest.Counting) (booted, error) {
	o, err := guestOptions(clock)
	if err != nil {
		return booted{}, err
	}
	boots := make([]booted, rounds)
	var last []float64
	for i := range boots {
		if boots[i], err = bootOnce(o); err != nil {
			return booted{}, err
		}
		last = append(last, quantile(boots[i].services, 1))
	}
	m := median(last)
	for i, t := range last {
		if t == m {
			return boots[i], nil
		}
	}
	return booted{}, nil
}

func guestOptions(clock guest.Counting) (guest.Options, error) {
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
	const file = "/marks"
	entries := []cpio.Entry{
		cpio.File("init", 0o755, starter(file, "/sbin/orderly")), cpio.File("bin/service", 0o755, service(file)),
		cpio.File("marks", 0o644, nil), cpio.File("etc/orderly/main.toml", 0o644, []byte(guestConfig(file))),
	}
	rd, err := b.Memory("bench", "arm64", arch, kernel, nil, entries)
	return guest.Options{Kernel: kernel.Image, Initrd: rd, Clock: clock}, err
}

// guestConfig has the services, and one that prints the marks once all are there.
func guestConfig(file string) string {
	var b strings.Builder
	b.WriteString("initial_target = \"all\"\n")
	var list []string
	for i := range guestServices {
		fmt.Fprintf(&b, "[component.%s]\ncommand = [\"/bin/service\"]\n", componentName(i))
		list = append(list, strconv.Quote(componentName(i)))
	}
	report := fmt.Sprintf(`while [ $(busybox stat -c %%s %s) -lt %d ]; do busybox usleep 1000; done
busybox hexdump -v -e '"mark " 4/4 "%%u " "\n"' %s; echo marks end`, file, (guestServices+1)*markSize, file)
	fmt.Fprintf(&b, "[component.report]\nkind = \"oneshot\"\ncommand = [\"/bin/busybox\", \"sh\", \"-c\", %q]\n", report)
	b.WriteString("output = { stdout = \"console\", stderr = \"console\" }\n")
	fmt.Fprintf(&b, "after = [%s]\n", strings.Join(list, ", "))
	fmt.Fprintf(&b, "[target.all]\ndepends_on = [%s]\nwants = [\"report\"]\n", strings.Join(list, ", "))
	return b.String()
}

// bootOnce boots one guest and reads its marks off the console. The first one is of the init.
func bootOnce(o guest.Options) (booted, error) {
	g, err := guest.Start(o, nil)
	if err != nil {
		return booted{}, err
	}
	defer g.Kill()
	if _, err := g.Expect(guestPatience, "marks end"); err != nil {
		return booted{}, fmt.Errorf("%w\n%s", err, g.Console())
	}
	var b booted
	begin := int64(0)
	for i, m := range regexp.MustCompile(`mark (\d+) (\d+) (\d+) (\d+)`).FindAllStringSubmatch(g.Console(), -1) {
		at := int64(join(m[1], m[2]))*1e9 + int64(join(m[3], m[4]))
		if i == 0 {
			begin = at
			continue
		}
		b.services = append(b.services, ms(at-begin))
	}
	if len(b.services) != guestServices {
		return b, fmt.Errorf("%d marks of %d\n%s", len(b.services), guestServices, g.Console())
	}
	return b, nil
}

// join makes a number of its two halves.
func join(low, high string) uint64 {
	l, _ := strconv.ParseUint(low, 10, 32)
	h, _ := strconv.ParseUint(high, 10, 32)
	return h<<32 | l
}
