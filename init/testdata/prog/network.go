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

// ways prints how the ways to TCP end that are not bind and connect of a socket of plain TCP.
func ways() {
	socket := func(name string, family, protocol int) {
		fd, err := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, protocol)
		fmt.Printf("%s: %v\n", name, err)
		unix.Close(fd)
	}
	socket("mptcp", unix.AF_INET, unix.IPPROTO_MPTCP)
	socket("mptcp of inet6", unix.AF_INET6, unix.IPPROTO_MPTCP)
	socket("smc", unix.AF_SMC, 0)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	defer l.Close()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	check(err)
	defer unix.Close(fd)
	at := &unix.SockaddrInet4{Port: l.Addr().(*net.TCPAddr).Port, Addr: [4]byte{127, 0, 0, 1}}
	fmt.Println("upper layer:", unix.SetsockoptString(fd, unix.IPPROTO_TCP, unix.TCP_ULP, "mptcp")) // no program's, but known
	fmt.Println("fast open:", unix.Sendto(fd, []byte("x"), unix.MSG_FASTOPEN, at))
	fmt.Println("fast open of a message:", unix.Sendmsg(fd, []byte("x"), nil, at, unix.MSG_FASTOPEN))
	fmt.Println("connect:", unix.Connect(fd, at))
	_, _, errno := unix.Syscall(unix.SYS_IO_URING_SETUP, 1, 0, 0)
	fmt.Println("io_uring:", errno)
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
