package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// greet answers every connection with a text and the address that it comes from.
func greet(address, text string) {
	l, err := net.Listen("tcp", address)
	check(err)
	go func() {
		for {
			c, err := l.Accept()
			check(err)
			host, _, _ := net.SplitHostPort(c.RemoteAddr().String())
			fmt.Fprintf(c, "%s %s\n", text, host)
			c.Close()
		}
	}()
}

// call prints what is said at an address.
func call(address string) {
	c, err := net.DialTimeout("tcp", address, 5*time.Second)
	check(err)
	_, err = io.Copy(os.Stdout, c)
	check(err)
}

// links prints the names of the network links, and their addresses.
func links() {
	all, err := net.Interfaces()
	check(err)
	for _, l := range all {
		addresses, _ := l.Addrs()
		fmt.Println(l.Name, addresses)
	}
}

// linkUp sets IFF_UP of a link (netdevice(7)).
func linkUp(name string) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
	check(err)
	var request [40]byte
	copy(request[:unix.IFNAMSIZ-1], name)
	*(*uint16)(unsafe.Pointer(&request[unix.IFNAMSIZ])) = unix.IFF_UP
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.SIOCSIFFLAGS, uintptr(unsafe.Pointer(&request))); errno != 0 {
		check(errno)
	}
}

// linkGone waits until there is no such link.
func linkGone(name string) {
	for range 500 {
		if _, err := net.InterfaceByName(name); err != nil {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	fail(name + " is still there")
}
