package runtime

import "strings"

// The two files are read here and not by a library since the common ones take
// an id that is not a number for 0, which is root.

// userEntry is a line of passwd(5), groupEntry one of group(5).
type userEntry struct {
	name     string
	uid, gid uint32
}

type groupEntry struct {
	name    string
	gid     uint32
	members []string
}

// parseEntries leaves out the lines that are none: comments, and those with an
// id that is not a number.
func parseEntries[E any](text string, parse func(line string) (E, bool)) []E {
	var list []E
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		if e, ok := parse(line); ok {
			list = append(list, e)
		}
	}
	return list
}

func parseUser(line string) (userEntry, bool) {
	f := strings.Split(line, ":")
	if len(f) < 4 || f[0] == "" {
		return userEntry{}, false
	}
	uid, err := parseID(f[2])
	if err != nil {
		return userEntry{}, false
	}
	gid, err := parseID(f[3])
	if err != nil {
		return userEntry{}, false
	}
	return userEntry{name: f[0], uid: uid, gid: gid}, true
}

func parseGroup(line string) (groupEntry, bool) {
	f := strings.Split(line, ":")
	if len(f) < 3 || f[0] == "" {
		return groupEntry{}, false
	}
	gid, err := parseID(f[2])
	if err != nil {
		return groupEntry{}, false
	}
	g := groupEntry{name: f[0], gid: gid}
	if len(f) > 3 && f[3] != "" {
		g.members = strings.Split(f[3], ",")
	}
	return g, true
}
