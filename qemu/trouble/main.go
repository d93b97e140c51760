// Command trouble makes in a guest what goes wrong on machines, for the boot tests:
//
//	fuse DIR              a file system whose server takes every question and answers none
//	nfs DIR               a file system of the network, whose server takes what is written to its only file, "file", and never answers
//	map NAME DEVICE       a device-mapper device that is all of another device
//	suspend NAME          it lets nothing through any more, and what it has waits
//	resume NAME           it goes on
//	kexec IMAGE INITRAMFS loads a kernel, for arm64 only
//	signals               every signal to PID 1, one by one and then as a burst, but for those that ask it for something
//	beat INTERVAL         a heartbeat on ORDERLY_HEARTBEAT_FD, at a real-time priority above spin
//	spin DURATION         a processor for itself, at a real-time priority
//	refuse TYPES PROGRAM… becomes that program, which cannot mount file systems of these types, separated by commas
//	stop                  the terminal that is its standard input takes nothing any more
//	now                   the time since boot, in milliseconds
//	descriptors           which descriptors it was started with
package main

import (
	"fmt"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

func main() {
	if err := do(os.Args[1:]); err != nil {
		fmt.Fprintf(os.Stderr, "trouble: %v\n", err)
		os.Exit(1)
	}
}

func do(args []string) error {
	at := func(i int) string {
		if i < len(args) {
			return args[i]
		}
		return ""
	}
	switch at(0) {
	case "fuse":
		return serve(at(1))
	case "nfs":
		return export(at(1))
	case "map":
		return mapped(at(1), at(2))
	case "suspend":
		return suspended(at(1), true)
	case "resume":
		return suspended(at(1), false)
	case "kexec":
		return kexec(at(1), at(2))
	case "signals":
		return signals()
	case "beat", "spin":
		d, err := time.ParseDuration(at(1))
		if err != nil {
			return err
		}
		if at(0) == "beat" {
			return beat(d)
		}
		return spin(d)
	case "refuse":
		return refuse(at(1), args[2:])
	case "guard":
		return guard(strings.Split(at(1), ","))
	case "stop":
		return os.NewSyscallError("tcflow", unix.IoctlSetInt(0, unix.TCXONC, unix.TCOOFF))
	case "now":
		return now()
	case "descriptors":
		return descriptors()
	}
	return fmt.Errorf("no verb %q", at(0))
}
