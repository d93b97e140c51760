// Command prog is the program under supervision in the tests: its arguments are what it does, one after another.
//
//	sleep D        listen ADDR    notify TEXT    print TEXT     touch PATH     exit N       pause
//	ignore SIG     append PATH TEXT              fd N TEXT      closefd N      child ARGS…  orphan ARGS…
//	onterm PATH TEXT   flood N    raise SIG      environ        fds            open PATH
//	see PATH       try PATH       size PATH      show PATH      read PATH
//	mount PATH     scheduling     self            describe     state NAME       own PATH   print-file PATH
//	daemonize PIDFILE ARGS…        pidfile PATH
//	beat N D       watchdog N D
//	greet ADDR TEXT    call ADDR     ways          links          up LINK        gone LINK      cat PATH
package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"sort"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
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
	for len(args) > 0 {
		switch verb := next(); verb {
		case "sleep":
			d, err := time.ParseDuration(next())
			check(err)
			time.Sleep(d)
		case "pause":
			pause()
		case "listen":
			network, address, _ := strings.Cut(next(), ":")
			if network == "vsock" {
				listenVsock(address)
				continue
			}
			if network == "unix" {
				os.Remove(address)
			}
			defer listen(network, address).Close()
		case "pty": // makes a pseudo-terminal and links to it
			pty(next())
		case "http": // answers every request with a status
			serveHTTP(next(), next())
		case "greet":
			greet(next(), next())
		case "call":
			call(next())
		case "ways":
			ways()
		case "links":
			links()
		case "gone":
			linkGone(next())
		case "up":
			linkUp(next())
		case "cat":
			b, err := os.ReadFile(next())
			check(err)
			os.Stdout.Write(b)
		case "notify":
			notify(next())
		case "see", "try", "size", "show", "read", "mount":
			look(verb, next())
		case "print":
			fmt.Println(next())
		case "touch":
			check(os.WriteFile(next(), nil, 0o644))
		case "append":
			appendTo(next(), next())
		case "exit":
			n, err := strconv.Atoi(next())
			check(err)
			os.Exit(n)
		case "ignore":
			signal.Ignore(unix.SignalNum("SIG" + next()))
		case "onterm":
			path, text := next(), next()
			in := make(chan os.Signal, 1)
			signal.Notify(in, syscall.SIGTERM)
			go func() {
				<-in
				appendTo(path, text)
				os.Exit(0)
			}()
		case "beat", "watchdog": // so many, or without end where N is 0
			n, err := strconv.Atoi(next())
			check(err)
			d, err := time.ParseDuration(next())
			check(err)
			beat(verb, n, d)
		case "fd":
			n, err := strconv.Atoi(next())
			check(err)
			_, err = unix.Write(n, []byte(next()))
			check(err)
		case "closefd":
			n, err := strconv.Atoi(next())
			check(err)
			check(unix.Close(n))
		case "child", "orphan":
			spawn(verb == "orphan", args)
			pause()
		case "spawn": // a child in a session of its own, and we go on; its arguments end at "--"
			i := 0
			for i < len(args) && args[i] != "--" {
				i++
			}
			spawn(true, args[:i])
			args = args[min(i+1, len(args)):]
		case "daemonize": // goes on in a session of its own, as a pid file says
			path := next()
			pid := spawn(true, args)
			check(os.WriteFile(path, []byte(strconv.Itoa(pid)+"\n"), 0o644))
			os.Exit(0)
		case "pidfile":
			check(os.WriteFile(next(), []byte(strconv.Itoa(os.Getpid())), 0o644))
		case "flood":
			n, err := strconv.Atoi(next())
			check(err)
			for i := range n {
				fmt.Printf("line %d of a flood that nobody asked for\n", i)
			}
		case "raise":
			check(unix.Kill(os.Getpid(), unix.SignalNum("SIG"+next())))
			time.Sleep(time.Minute)
		case "environ":
			env := os.Environ()
			sort.Strings(env)
			fmt.Println(strings.Join(env, "\n"))
		case "fds":
			entries, err := os.ReadDir("/proc/self/fd")
			check(err)
			var list []string
			for _, e := range entries {
				if to, err := os.Readlink("/proc/self/fd/" + e.Name()); err == nil && !strings.Contains(to, "anon_inode") && !strings.Contains(to, "/cpu.") { // the Go runtime's own
					list = append(list, e.Name()+"="+to)
				}
			}
			fmt.Println(strings.Join(list, " "))
		case "scheduling":
			scheduling()
		case "self":
			self()
		case "describe":
			describe()
		case "own":
			own(next())
		case "print-file":
			fmt.Println(file(next()))
		case "state":
			state(next())
		default:
			fail("unknown verb " + verb)
		}
	}
}

// scheduling prints what the kernel says of the first thread.
func scheduling() {
	pid := os.Getpid()
	a, err := unix.SchedGetAttr(pid, 0)
	check(err)
	var set unix.CPUSet
	check(unix.SchedGetaffinity(pid, &set))
	const whoProcess = 1
	io, _, _ := unix.Syscall(unix.SYS_IOPRIO_GET, whoProcess, uintptr(pid), 0)
	oom, err := os.ReadFile("/proc/self/oom_score_adj")
	check(err)
	fmt.Printf("policy %d priority %d nice %d cpu0 %v cpus %d io %d:%d oom %s",
		a.Policy, a.Priority, a.Nice, set.IsSet(0), set.Count(), io>>13, io&7, oom)
}

// beat says N times at intervals that the program works, on the pipe or the notify socket.
func beat(verb string, n int, every time.Duration) {
	once := func() { notify("WATCHDOG=1") }
	if verb == "beat" {
		fd, err := strconv.Atoi(os.Getenv("ORDERLY_HEARTBEAT_FD"))
		check(err)
		once = func() {
			if _, err := unix.Write(fd, []byte{'.'}); err != unix.EAGAIN {
				check(err)
			}
		}
	}
	for i := 0; n == 0 || i < n; i++ {
		once()
		time.Sleep(every)
	}
}

// pause waits for a signal that ends the program; a select{} would be a deadlock to the runtime.
func pause() {
	for {
		time.Sleep(time.Hour)
	}
}

func spawn(session bool, args []string) int {
	c := exec.Command("/proc/self/exe", args...)
	c.Stdout, c.Stderr = os.Stdout, os.Stderr
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: session}
	check(c.Start())
	return c.Process.Pid
}

func listen(network, address string) io.Closer {
	if network == "udp" {
		c, err := net.ListenPacket(network, address)
		check(err)
		return c
	}
	l, err := net.Listen(network, address)
	check(err)
	return l
}

// pty makes a pseudo-terminal (pty(7)) that lives as long as the program, and a link to its name.
func pty(link string) {
	fd, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	check(err)
	check(unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0))
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	check(err)
	check(os.Symlink("/dev/pts/"+strconv.Itoa(n), link))
}

func serveHTTP(address, status string) {
	l, err := net.Listen("tcp", address)
	check(err)
	go func() {
		for {
			c, err := l.Accept()
			check(err)
			fmt.Fprintf(c, "HTTP/1.1 %s\r\nContent-Length: 0\r\n\r\n", status)
			c.Close()
		}
	}()
}

// listenVsock listens on a port, for the machine itself.
func listenVsock(port string) {
	n, err := strconv.ParseUint(port, 10, 32)
	check(err)
	fd, err := unix.Socket(unix.AF_VSOCK, unix.SOCK_STREAM, 0)
	check(err)
	check(unix.Bind(fd, &unix.SockaddrVM{CID: unix.VMADDR_CID_LOCAL, Port: uint32(n)}))
	check(unix.Listen(fd, 8))
}

func notify(text string) {
	c, err := net.Dial("unixgram", os.Getenv("NOTIFY_SOCKET"))
	check(err)
	defer c.Close()
	_, err = c.Write([]byte(strings.ReplaceAll(text, `\n`, "\n")))
	check(err)
}

func appendTo(path, text string) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	check(err)
	_, err = fmt.Fprintln(f, text)
	check(err)
	check(f.Close())
}

func check(err error) {
	if err != nil {
		fail(err.Error())
	}
}

func fail(text string) {
	fmt.Fprintln(os.Stderr, "prog: "+text)
	os.Exit(99)
}
