// Command boot builds the example's image, if need be, and boots it. On a terminal it leaves the user at a shell of the
// machine; without one it shows the boot until the run target is reached, and powers off.
//
//	go run ./qemu/cmd/boot [-arch arm64|arm] [-program arm64|arm] [-target NAME] [-verbose]
package main

import (
	"flag"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/qemu/guest"
	"github.com/orderly-init/orderly/qemu/image"
)

// limit is for a boot on a slow host; a usual one takes 3 s.
const limit = 2 * time.Minute

func main() {
	var c choice
	flag.StringVar(&c.arch, "arch", "arm64", "architecture of the kernel and of Debian's programs: arm64 or arm")
	flag.StringVar(&c.program, "program", "", "architecture of Orderly, if it is another one")
	flag.StringVar(&c.target, "target", "", "run target; default is console on a terminal and the configuration's elsewhere")
	flag.BoolVar(&c.verbose, "verbose", false, "show the kernel's messages")
	flag.Parse()
	if err := c.boot(); err != nil {
		fmt.Fprintf(os.Stderr, "boot: %v\n", err)
		os.Exit(1)
	}
}

type choice struct {
	arch, program, target string
	verbose               bool
}

func (c choice) boot() error {
	set, err := c.build()
	if err != nil {
		return err
	}
	o := set.Options()
	o.Verbose = c.verbose
	if !terminal() {
		return unattended(o, c.target)
	}
	if c.target == "" {
		c.target = "console"
	}
	o.Append = append(o.Append, "orderly.target="+c.target)
	return guest.OnTerminal(o, os.Stdout, func(address func(int) string) string {
		return fmt.Sprintf("poweroff ends the machine, Ctrl-A x at once\nssh -i %s -p %s root@127.0.0.1\nhttp://%s/",
			set.Key, port(address(22)), address(80))
	})
}

func (c choice) build() (image.Set, error) {
	a, err := image.ArchOf(c.arch)
	if err != nil {
		return image.Set{}, err
	}
	if c.program == "" {
		c.program = c.arch
	}
	b, err := image.Open(func(s string) { fmt.Println("boot: " + s) })
	if err != nil {
		return image.Set{}, err
	}
	defer b.Close()
	return b.Example(c.program, a)
}

// terminal reports whether somebody sits there.
func terminal() bool {
	_, err := unix.IoctlGetTermios(0, unix.TCGETS)
	return err == nil
}
