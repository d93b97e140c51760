// Command breakout is the program of a container that tries to get out of it: one attack after another, by their names, or
// all. Each prints one line: "NAME held: REASON", or "NAME OUT: HOW". What it is to reach is in the environment:
//
//	HOST_FILE  a file of the machine's, by its whole path     HOST_PID   a process of the machine's
//	HOST_RING  the number of the session keyring outside      HOST_NAME  an abstract socket that the machine listens on
package main

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"

	"golang.org/x/sys/unix"
)

// attack returns how it got out, or why it did not.
type attack struct {
	name string
	try  func() (how string, err error)
}

var errNothing = errors.New("nothing there")

func main() {
	runtime.LockOSThread()
	names := os.Args[1:]
	if len(names) > 0 && names[0] == "idle" { // a command that does nothing
		return
	}
	if len(names) > 0 && names[0] == "wait" { // for a signal
		unix.Pause()
	}
	all := slices.Concat(files(), mounts(), writable("-unmasked"), processes(), kernel(), namespaces())
	for _, a := range all {
		if len(names) > 0 && !slices.Contains(names, a.name) {
			continue
		}
		how, err := a.try()
		if err != nil {
			fmt.Println(a.name, "held:", err)
			continue
		}
		fmt.Println(a.name, "OUT:", how)
	}
	fmt.Println("end of", len(all), "attacks")
}

// refused is for a call that is not to be done, only to be refused for want of privilege: any other answer is a way in.
func refused(errno unix.Errno) (string, error) {
	switch errno {
	case unix.EPERM, unix.EACCES, unix.ENOSYS, unix.EOPNOTSUPP:
		return "", errno
	case 0:
		return "done", nil
	}
	return "permitted, " + errno.Error(), nil
}
