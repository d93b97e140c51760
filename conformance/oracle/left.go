package oracle

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// Sockets are the socket files below a directory, but for one.
func Sockets(dir, except string) (list []string) {
	filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err == nil && e.Type()&fs.ModeSocket != 0 && path != except {
			list = append(list, path)
		}
		return nil
	})
	return list
}

var pidFile = regexp.MustCompile(`pid_file = "(.*)"`)

// PIDFiles are those of a configuration that are there.
func PIDFiles(config string) (list []string) {
	for _, found := range pidFile.FindAllStringSubmatch(config, -1) {
		if _, err := os.Lstat(found[1]); err == nil {
			list = append(list, found[1])
		}
	}
	return list
}

// Mounts are the places where a process sees something mounted.
func Mounts(proc string, pid int) (list []string) {
	b, _ := os.ReadFile(fmt.Sprintf("%s/%d/mountinfo", proc, pid))
	for line := range strings.Lines(string(b)) {
		list = append(list, strings.Fields(line)[4])
	}
	return list
}

// Processes are those of the whole machine that were executed for a component which has a variable, NAME=VALUE, in its
// environment.
func Processes(variable string) (list []string) {
	files, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err == nil && bytes.Contains(b, []byte(variable+"\x00")) && bytes.Contains(b, []byte("ORDERLY_COMPONENT=")) {
			line, _ := os.ReadFile(filepath.Join(filepath.Dir(f), "cmdline"))
			list = append(list, fmt.Sprintf("%s %q", f, line))
		}
	}
	return list
}
