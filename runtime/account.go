package runtime

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"
)

// Account is what a Credential is looked up for: names, or decimal numbers.
type Account struct {
	// User is never empty.
	User string
	// Group is the primary group; empty: that of the user's entry.
	Group string
	// Supplementary are the other groups; nil: those that /etc/group gives the
	// user; empty: none.
	Supplementary []string
}

// Lookup finds the ids in /etc/passwd and /etc/group. Numbers need no entry,
// nor does root; nothing else stands in for a name that is not found. A number
// without an entry needs a Group. The result is for one start: the files may
// change.
func Lookup(a Account) (Credential, error) { return lookup(a, "/etc/passwd", "/etc/group") }

func lookup(a Account, passwd, group string) (Credential, error) {
	users, err := entries(passwd, parseUser)
	if err != nil {
		return Credential{}, err
	}
	groups, err := entries(group, parseGroup)
	if err != nil {
		return Credential{}, err
	}
	return match(a, users, groups, passwd)
}

// LookupIn is Lookup in the texts of passwd(5) and group(5), for a system that is not running.
func LookupIn(a Account, passwd, group string) (Credential, error) {
	return match(a, parseEntries(passwd, parseUser), parseEntries(group, parseGroup), "/etc/passwd")
}

func match(a Account, users []userEntry, groups []groupEntry, passwd string) (Credential, error) {
	u, hasEntry, err := findUser(users, a.User)
	if err != nil {
		return Credential{}, err
	}
	c := Credential{UID: u.uid, GID: u.gid}
	if a.Group != "" {
		if c.GID, err = findGroup(groups, a.Group); err != nil {
			return Credential{}, err
		}
	} else if !hasEntry {
		return Credential{}, fmt.Errorf("user %q: no entry in %s, so its group must be given", a.User, passwd)
	}
	if a.Supplementary == nil {
		c.Groups = memberships(groups, u.name, c.GID)
		return c, nil
	}
	for _, name := range a.Supplementary {
		gid, err := findGroup(groups, name)
		if err != nil {
			return Credential{}, err
		}
		c.Groups = append(c.Groups, gid)
	}
	return c, nil
}

// findUser prefers a name to a number: a user may be named 1000.
func findUser(users []userEntry, text string) (userEntry, bool, error) {
	if i := slices.IndexFunc(users, func(u userEntry) bool { return u.name == text }); i >= 0 {
		return users[i], true, nil
	}
	uid, err := parseID(text)
	if text == "root" {
		uid, err = 0, nil
	}
	if err != nil {
		return userEntry{}, false, fmt.Errorf("user %q: unknown", text)
	}
	if i := slices.IndexFunc(users, func(u userEntry) bool { return u.uid == uid }); i >= 0 {
		return users[i], true, nil
	}
	if uid == 0 {
		return userEntry{name: "root"}, true, nil
	}
	return userEntry{uid: uid}, false, nil
}

func findGroup(groups []groupEntry, text string) (uint32, error) {
	if i := slices.IndexFunc(groups, func(g groupEntry) bool { return g.name == text }); i >= 0 {
		return groups[i].gid, nil
	}
	gid, err := parseID(text)
	if text == "root" {
		gid, err = 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("group %q: unknown", text)
	}
	return gid, nil
}

// memberships are the primary group and those that list the user, as of
// initgroups(3).
func memberships(groups []groupEntry, user string, primary uint32) []uint32 {
	list := []uint32{primary}
	for _, g := range groups {
		if user != "" && slices.Contains(g.members, user) && !slices.Contains(list, g.gid) {
			list = append(list, g.gid)
		}
	}
	return list
}

// entries reads a file that need not be there.
func entries[E any](path string, parse func(line string) (E, bool)) ([]E, error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return parseEntries(string(b), parse), nil
}

// parseID is an id that the kernel takes for one: all ones means "unchanged".
func parseID(text string) (uint32, error) {
	n, err := strconv.ParseUint(text, 10, 32)
	if err == nil && n == 1<<32-1 {
		err = strconv.ErrRange
	}
	return uint32(n), err
}
