package oci

import "strconv"

// place is where a value is in the file. Its path is made only where something is said of it.
type place struct {
	in    *place // nil: the whole file
	name  string // of a member or an entry
	index int    // in a list
	sort  placeSort
}

type placeSort uint8

const (
	atMember placeSort = iota
	atEntry            // of a table whose names are free
	atElement
)

// String is the path of the place, "mounts[3].options".
func (p *place) String() string {
	if p == nil {
		return ""
	}
	switch p.sort {
	case atEntry:
		return p.in.String() + "[" + strconv.Quote(p.name) + "]"
	case atElement:
		return p.in.String() + "[" + strconv.Itoa(p.index) + "]"
	case atMember:
	}
	return join(p.in.String(), p.name)
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}
