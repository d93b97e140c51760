package main

import "strings"

// arguments are the words of the kernel command line that stage1 knows; the last of a kind counts.
type arguments struct {
	root     string
	fstype   string
	init     string
	agent    string
	writable bool
}

func parse(line string) arguments {
	a := arguments{fstype: "ext4", init: "/sbin/init"}
	for _, word := range strings.Fields(line) {
		key, value, _ := strings.Cut(word, "=")
		switch key {
		case "root":
			a.root = value
		case "rootfstype":
			a.fstype = value
		case "init":
			a.init = value
		case "stage1.agent":
			a.agent = value
		case "ro":
			a.writable = false
		case "rw":
			a.writable = true
		}
	}
	return a
}
