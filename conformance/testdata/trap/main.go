// Command trap executes a program whose system calls of some kinds wait for somebody else's answer: trap SOCKET NUMBER,NUMBER... PROGRAM
// ARGUMENTS. It sends the descriptor on which they are asked about (seccomp_unotify(2)) to the abstract socket.
package main

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

func main() {
	runtime.LockOSThread() // a filter is that of a thread, and goes with exec
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	check(err)
	check(unix.Connect(fd, &unix.SockaddrUnix{Name: "@" + os.Args[1]}))
	ready, listener, sent := make(chan bool), make(chan int), make(chan error)
	go func() { // in a thread without the filter: that may be of sendmsg(2)
		runtime.LockOSThread()
		ready <- true
		sent <- unix.Sendmsg(fd, []byte{0}, unix.UnixRights(<-listener), nil, 0)
	}()
	<-ready
	listener <- install(filter(os.Args[2]))
	check(<-sent)
	path, err := exec.LookPath(os.Args[3])
	check(err)
	check(unix.Exec(path, os.Args[3:], os.Environ()))
}

// filter lets everything go but the calls with these numbers.
func filter(numbers string) (list []unix.SockFilter) {
	list = append(list, unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS}) // the number is the first field of seccomp_data
	for word := range strings.SplitSeq(numbers, ",") {
		n, err := strconv.ParseUint(word, 10, 32)
		check(err)
		list = append(list, unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: uint32(n), Jf: 1},
			unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_USER_NOTIF})
	}
	return append(list, unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW})
}

func install(list []unix.SockFilter) int {
	program := unix.SockFprog{Len: uint16(len(list)), Filter: &list[0]}
	fd, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_NEW_LISTENER, uintptr(unsafe.Pointer(&program)))
	if errno != 0 {
		check(errno)
	}
	return int(fd)
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "trap:", err)
		os.Exit(99)
	}
}
