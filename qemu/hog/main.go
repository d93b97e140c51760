// Command hog uses up what limits are for, in the boot tests: its arguments are what it does, one after another.
//
//	memory BYTES   takes so much and keeps it        child ARGS…   has a child do that, and goes on
//	cpu            keeps a processor busy            fork          starts children without end
//	write PATH     writes a disk, around its cache   await PATH    until it is there
//	pause          for ever                          deaf          takes no SIGTERM from then on
package main

import (
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"syscall"
	"time"
	"unsafe"
)

func main() {
	args := os.Args[1:]
	next := func() string {
		if len(args) == 0 {
			fail("an argument is missing")
		}
		a := args[0]
		args = args[1:]
		return a
	}
	var kept [][]byte
	for len(args) > 0 {
		switch verb := next(); verb {
		case "memory":
			n, err := strconv.Atoi(next())
			check(err)
			kept = append(kept, fill(n))
		case "child":
			check(exec.Command("/proc/self/exe", args...).Start())
			args = []string{"pause"}
		case "cpu":
			for n := uint64(1); n != 0; n++ { // longer than any test
			}
		case "deaf":
			signal.Ignore(syscall.SIGTERM)
		case "fork":
			fork()
		case "write":
			write(next())
		case "await":
			for path := next(); ; time.Sleep(10 * time.Millisecond) {
				if _, err := os.Stat(path); err == nil {
					break
				}
			}
		case "pause":
			for {
				time.Sleep(time.Hour)
			}
		default:
			fail("no verb " + verb)
		}
	}
	fmt.Println(len(kept))
}

// fill takes memory, a page after the other, and never gives it back.
func fill(n int) []byte {
	b, err := syscall.Mmap(-1, 0, n, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_PRIVATE|syscall.MAP_ANON)
	check(err)
	for i := 0; i < n; i += os.Getpagesize() {
		b[i] = 1
	}
	return b
}

// fork starts children that pause, and are deaf. Where no more can be had it goes on trying.
func fork() {
	for {
		_, err := syscall.ForkExec("/proc/self/exe", []string{"hog", "deaf", "pause"}, &syscall.ProcAttr{})
		if err != nil {
			time.Sleep(10 * time.Millisecond)
		}
	}
}

// write writes zeros to a disk, in pieces that are waited for.
func write(path string) {
	const piece = 64 << 10
	f, err := os.OpenFile(path, os.O_WRONLY|syscall.O_DIRECT, 0)
	check(err)
	b := make([]byte, 2*piece)
	at := piece - int(uintptr(unsafe.Pointer(&b[0]))%piece) // O_DIRECT wants it aligned
	for offset := int64(0); ; offset = (offset + piece) % (8 << 20) {
		_, err := f.WriteAt(b[at:at+piece], offset)
		check(err)
	}
}

func check(err error) {
	if err != nil {
		fail(err.Error())
	}
}

func fail(text string) {
	fmt.Fprintln(os.Stderr, "hog: "+text)
	os.Exit(1)
}
