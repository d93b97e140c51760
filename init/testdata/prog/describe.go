package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"

	"golang.org/x/sys/unix"
)

// describe prints what a container looks like from inside, a fact a line, so that two runtimes can be compared.
func describe() {
	host, err := os.Hostname()
	check(err)
	fmt.Println("pid", os.Getpid(), "hostname", host, "domain", file("/proc/sys/kernel/domainname"))
	groups, err := os.Getgroups()
	check(err)
	slices.Sort(groups)
	fmt.Println("uid", os.Getuid(), "gid", os.Getgid(), "groups", groups, "umask", fmt.Sprintf("%04o", umask()))
	fmt.Println("uid_map", words("/proc/self/uid_map"), "gid_map", words("/proc/self/gid_map"))
	for line := range strings.Lines(file("/proc/self/status")) {
		name, value, _ := strings.Cut(line, ":")
		switch name {
		case "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp":
			fmt.Println(name, strings.TrimSpace(value))
		}
	}
	dir, err := os.Getwd()
	check(err)
	fmt.Println("cwd", dir, "args", os.Args[1:])
	env := slices.DeleteFunc(os.Environ(), func(e string) bool { return strings.HasPrefix(e, "ORDERLY_") || strings.HasPrefix(e, "NOTIFY_") })
	sort.Strings(env)
	fmt.Println("env", strings.Join(env, " "))
	limits()
	fmt.Println("oom_score_adj", file("/proc/self/oom_score_adj"))
	scheduling()
	var name unix.Utsname
	check(unix.Uname(&name))
	fmt.Println("machine", unix.ByteSliceToString(name.Machine[:]))
	filters()
	files()
	mounts()
}

// filters tries calls that a filter of the tests forbids.
func filters() {
	for _, c := range []struct {
		name string
		call func() error
	}{
		{"mkdir", func() error { return os.Mkdir("/proc/orderly", 0o755) }},
		{"sethostname", func() error { return unix.Sethostname([]byte("other")) }},
		{"getpgid", func() error { _, err := unix.Getpgid(0); return err }},
		{"personality 8", func() error {
			if _, _, e := unix.Syscall(unix.SYS_PERSONALITY, 8, 0, 0); e != 0 {
				return e
			}
			return nil
		}},
		{"personality 0", func() error {
			if _, _, e := unix.Syscall(unix.SYS_PERSONALITY, 0, 0, 0); e != 0 {
				return e
			}
			return nil
		}},
	} {
		fmt.Println("call", c.name+":", c.call())
	}
}

func umask() int {
	mask := unix.Umask(0)
	unix.Umask(mask)
	return mask
}

// file is what is in one, or why it cannot be read.
func file(name string) string {
	b, err := os.ReadFile(name)
	if err != nil {
		return err.Error()
	}
	return strings.TrimRight(string(b), "\n")
}

func words(name string) string { return strings.Join(strings.Fields(file(name)), " ") }

func limits() {
	for n, name := range strings.Fields("cpu fsize data stack core rss nproc nofile memlock as locks sigpending msgqueue nice rtprio rttime") {
		var l unix.Rlimit
		check(unix.Prlimit(0, n, nil, &l))
		if name == "nofile" { // Go raises the soft one of its own program
			l.Cur = 0
		}
		fmt.Println("limit", name, l.Cur, l.Max)
	}
}

// files are the devices and links of /dev, and what can be read and written of what the tests mask and protect.
func files() {
	entries, err := os.ReadDir("/dev")
	check(err)
	for _, e := range entries {
		info, err := e.Info()
		check(err)
		to := ""
		if info.Mode()&fs.ModeSymlink != 0 {
			to, _ = os.Readlink("/dev/" + e.Name())
		}
		var st unix.Stat_t
		check(unix.Lstat("/dev/"+e.Name(), &st))
		fmt.Printf("dev %s %v %d:%d %d:%d %s\n", e.Name(), info.Mode(), st.Uid, st.Gid, unix.Major(st.Rdev), unix.Minor(st.Rdev), to)
	}
	for _, name := range []string{"/proc/kcore", "/proc/keys", "/proc/timer_list", "/proc/acpi", "/proc/scsi", "/sys/firmware", "/secret", "/secrets"} {
		if info, err := os.Stat(name); err != nil {
			fmt.Println("masked", name, err)
		} else if info.IsDir() {
			list, err := os.ReadDir(name)
			fmt.Println("masked", name, len(list), err)
		} else {
			b, err := os.ReadFile(name)
			fmt.Println("masked", name, len(b), err)
		}
	}
	for _, name := range []string{"/", "/proc/sys", "/proc/irq", "/tmp", "/dev", "/sys", "/kept", "/bound", "/copied", "/more"} {
		f, err := os.CreateTemp(name, "written")
		if err == nil {
			f.Close()
			os.Remove(f.Name())
		} else if e, ok := err.(*fs.PathError); ok {
			err = e.Err
		}
		fmt.Println("write", name, err)
	}
	for _, name := range []string{"/proc/sys/net/ipv4/ip_forward", "/proc/sys/kernel/shmmax", "/proc/sys/fs/mqueue/msg_max", "/kept/file"} {
		fmt.Println("file", name, file(name))
	}
	links, _ := filepath.Glob("/sys/class/net/*")
	fmt.Println("links", links)
	for _, kind := range strings.Fields("cgroup ipc mnt net pid time user uts") {
		to, _ := os.Readlink("/proc/self/ns/" + kind)
		_, err := os.Stat("/namespaces/" + kind)
		fmt.Println("namespace", kind, strings.HasPrefix(to, kind+":["), to == file("/namespaces/"+kind), err == nil)
	}
}

// mounts are in the order of their places, with their own options and the type; what hides a path comes as files above.
func mounts() {
	var lines []string
	for line := range bytes.Lines([]byte(file("/proc/self/mountinfo"))) {
		f := strings.Fields(string(line))
		dash := slices.Index(f, "-")
		if f[4] == "/sys/fs/cgroup" || strings.HasPrefix(f[4], "/sys/fs/cgroup/") || strings.HasPrefix(f[4], "/proc/") && f[dash+1] != "proc" || strings.HasPrefix(f[4], "/dev/orderly") {
			continue
		}
		options := strings.Split(f[5], ",")
		sort.Strings(options)
		lines = append(lines, fmt.Sprintln("mount", f[4], f[dash+1], strings.Join(options, ","), strings.Join(f[6:dash], ",")))
	}
	sort.Strings(lines)
	fmt.Print(strings.Join(lines, ""))
}

// state prints who it is, and what of the state of a container comes from standard input.
func state(name string) {
	var s struct {
		Status string
		Pid    int
	}
	check(json.NewDecoder(os.Stdin).Decode(&s))
	fmt.Println(name, "uid", os.Getuid(), s.Pid, s.Status)
}

// own prints whose a file is, and whose it is on the disk of the tests.
func own(name string) {
	var st unix.Stat_t
	check(unix.Stat(name, &st))
	fmt.Printf("own 5:5 %s = %d:%d\n", name, st.Uid, st.Gid)
}
