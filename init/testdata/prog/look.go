package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// look says what there is at a path: whether it is there, can be written, how much is in it, or its text. What must be read ends the
// program where it cannot be, as does what must be mounted.
func look(verb, path string) {
	switch verb {
	case "see":
		if _, err := os.Stat(path); err == nil {
			fmt.Println("seen again", path+" is there")
		}
	case "try":
		if err := os.WriteFile(path, nil, 0o644); err != nil {
			var p *fs.PathError
			errors.As(err, &p)
			fmt.Printf("%s: %v\n", path, p.Err)
			return
		}
		fmt.Println(path, "is written")
	case "size":
		if names, err := os.ReadDir(path); err == nil {
			fmt.Println(path[1:], "has", len(names), "entries")
			return
		}
		b, err := os.ReadFile(path)
		check(err)
		fmt.Println(path[1:], "has", len(b), "bytes")
	case "show":
		b, err := os.ReadFile(path)
		check(err)
		fmt.Println(strings.TrimSpace(string(b)))
	case "read":
		_, err := os.ReadFile(path)
		check(err)
	case "mount":
		check(unix.Mount("inside", path, "tmpfs", 0, ""))
		fmt.Println(path, "is mounted")
	}
}
