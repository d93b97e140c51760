package oci

import "strconv"

// place is the way to a value from the start of the file. It is put into words only where something is said of one.
type place []step

type step struct {
	name  string // of a member or an entry
	index int    // in a list
	sort  stepSort
}

type stepSort uint8

const (
	toMember stepSort = iota
	toEntry           // of a table whose names are free
	toElement
)

// String is the path of the place, "mounts[3].options".
func (p place) String() string {
	path := ""
	for _, s := range p {
		switch s.sort {
		case toMember:
			path = join(path, s.name)
		case toEntry:
			path += "[" + strconv.Quote(s.name) + "]"
		case toElement:
			path += "[" + strconv.Itoa(s.index) + "]"
		}
	}
	return path
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}
