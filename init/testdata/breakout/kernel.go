package main

import (
	"os"
	"path/filepath"
	"strconv"
	"unsafe"

	"golang.org/x/sys/unix"
)

// kernel asks it for what is the machine's as a whole. Calls are made so that nothing comes of them.
func kernel() []attack {
	list := []attack{
		{"keyring", keyring},
		{"time", func() (string, error) {
			var now unix.Timespec
			if err := unix.ClockGettime(unix.CLOCK_REALTIME, &now); err != nil {
				return "", err
			}
			_, _, e := unix.Syscall(unix.SYS_CLOCK_SETTIME, unix.CLOCK_REALTIME, uintptr(unsafe.Pointer(&now)), 0)
			return refused(e)
		}},
		{"host-name", func() (string, error) {
			var u unix.Utsname
			unix.Uname(&u)
			err := unix.Sethostname([]byte(unix.ByteSliceToString(u.Nodename[:])))
			return answer(err)
		}},
		{"reboot", call(unix.SYS_REBOOT, unix.LINUX_REBOOT_MAGIC1, unix.LINUX_REBOOT_MAGIC2, 0x12345)},
		{"swap", call(unix.SYS_SWAPON, text("/nowhere"), 0, 0)},
		{"accounting", call(unix.SYS_ACCT, text("/nowhere"), 0, 0)},
		{"kernel-log", call(unix.SYS_SYSLOG, 8, 0, 0)}, // SYSLOG_ACTION_CONSOLE_LEVEL, to none
		{"module", call(unix.SYS_DELETE_MODULE, text("no such module"), unix.O_NONBLOCK, 0)},
		{"load-module", call(unix.SYS_INIT_MODULE, 0, 0, text(""))},
		{"kexec", call(unix.SYS_KEXEC_LOAD, 0, 1<<16, 0)}, // more segments than there can be
		{"perf", perf},
		{"bpf", bpf},
		{"userfault", call(unix.SYS_USERFAULTFD, 0, 0, 0)},
		{"io-uring", ring},
		{"notify-all", call(unix.SYS_FANOTIFY_INIT, 0, 0, 0)},
		{"network", network},
	}
	for name, d := range map[string][2]uint32{"mem": {1, 1}, "port": {1, 4}, "kmsg": {1, 11}, "loop-control": {10, 237}, "fuse": {10, 229}, "tun": {10, 200}, "autofs": {10, 235}} {
		list = append(list, attack{"device-" + name, func() (string, error) { return device(unix.S_IFCHR, d[0], d[1]) }})
	}
	return append(list, attack{"disks", disks})
}

func answer(err error) (string, error) {
	errno, _ := err.(unix.Errno)
	return refused(errno)
}

func call(nr, a, b, c uintptr) func() (string, error) {
	return func() (string, error) {
		fd, _, e := unix.Syscall6(nr, a, b, c, 0, 0, 0)
		if e == 0 && int(fd) > 2 {
			unix.Close(int(fd))
		}
		return refused(e)
	}
}

// device makes a device file and opens it.
func device(kind, major, minor uint32) (string, error) {
	dir, err := scratch()
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	for _, dir := range []string{dir, "/dev"} {
		path := filepath.Join(dir, "breakout-device")
		if err = unix.Mknod(path, kind|0o666, int(unix.Mkdev(major, minor))); err != nil {
			continue
		}
		defer os.Remove(path)
		var fd int
		if fd, err = unix.Open(path, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0); err == nil {
			unix.Close(fd)
			return path, nil
		}
	}
	return "", err
}

// disks tries every disk that /sys/dev/block tells of, and the usual ones.
func disks() (string, error) {
	last := error(errNothing)
	numbers := [][2]uint32{{8, 0}, {7, 0}, {1, 0}, {254, 0}, {253, 0}, {179, 0}}
	names, _ := os.ReadDir("/sys/dev/block")
	for _, n := range names {
		var major, minor uint32
		if a, b, ok := cut(n.Name()); ok {
			major, minor = a, b
			numbers = append(numbers, [2]uint32{major, minor})
		}
	}
	for _, n := range numbers {
		how, err := device(unix.S_IFBLK, n[0], n[1])
		if err == nil {
			return how, nil
		}
		last = err
	}
	return "", last
}

func cut(text string) (major, minor uint32, ok bool) {
	for i := range text {
		if text[i] == ':' {
			a, err := strconv.ParseUint(text[:i], 10, 32)
			b, err2 := strconv.ParseUint(text[i+1:], 10, 32)
			return uint32(a), uint32(b), err == nil && err2 == nil
		}
	}
	return 0, 0, false
}

// keyring compares its session keyring with that of who started Orderly.
func keyring() (string, error) {
	host, err := strconv.Atoi(os.Getenv("HOST_RING"))
	if err != nil {
		return "", errNothing
	}
	id, err := unix.KeyctlGetKeyringID(unix.KEY_SPEC_SESSION_KEYRING, false)
	if err != nil {
		return "", err
	}
	if id != host {
		return "", unix.ENOKEY
	}
	return "the session keyring of the machine", nil
}

func perf() (string, error) {
	attr := unix.PerfEventAttr{Type: unix.PERF_TYPE_SOFTWARE, Config: unix.PERF_COUNT_SW_CPU_CLOCK}
	attr.Size = uint32(unsafe.Sizeof(attr))
	fd, err := unix.PerfEventOpen(&attr, -1, 0, -1, unix.PERF_FLAG_FD_CLOEXEC)
	if err != nil {
		return "", err
	}
	unix.Close(fd)
	return "all of a processor", nil
}

// bpf loads a program of one instruction that watches the kernel.
func bpf() (string, error) {
	code := [2]uint64{0xb7, 0x95}
	license := []byte("GPL\x00")
	attr := struct {
		kind, count   uint32
		code, license uint64
		_             [104]byte
	}{unix.BPF_PROG_TYPE_KPROBE, 2, uint64(uintptr(unsafe.Pointer(&code))), uint64(uintptr(unsafe.Pointer(&license[0]))), [104]byte{}}
	fd, _, e := unix.Syscall(unix.SYS_BPF, unix.BPF_PROG_LOAD, uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr))
	if e == 0 {
		unix.Close(int(fd))
	}
	return refused(e)
}

func ring() (string, error) {
	var params [120]byte
	fd, _, e := unix.Syscall(unix.SYS_IO_URING_SETUP, 1, uintptr(unsafe.Pointer(&params)), 0)
	if e == 0 {
		unix.Close(int(fd))
	}
	return refused(e)
}

// network sets the flags of the loopback interface to what they are.
func network() (string, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return "", err
	}
	defer unix.Close(fd)
	r, err := unix.NewIfreq("lo")
	if err != nil {
		return "", err
	}
	for _, request := range []uint{unix.SIOCGIFFLAGS, unix.SIOCSIFFLAGS} {
		if err := unix.IoctlIfreq(fd, request, r); err != nil {
			return "", err
		}
	}
	return "set the flags of lo", nil
}
