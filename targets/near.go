package targets

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// maxNear is how many names a suggestion offers at most.
const maxNear = 3

// Nearest returns the names among that a typist who wrote name may have meant, the closest first, at most three.
// The distance counts inserted, deleted, changed and swapped neighbouring letters, whatever their case (Damerau
// 1964, in the restricted form of optimal string alignment).
func Nearest(name string, among []string) []string {
	type near struct {
		name string
		far  int
	}
	var found []near
	limit := 1 + len(name)/4
	for _, other := range among {
		if far := distance(name, other, limit); far <= limit && far < max(len(name), len(other)) {
			found = append(found, near{other, far})
		}
	}
	slices.SortFunc(found, func(a, b near) int { return cmp.Or(cmp.Compare(a.far, b.far), cmp.Compare(a.name, b.name)) })
	found = slices.Compact(found)
	names := make([]string, 0, maxNear)
	for _, n := range found[:min(len(found), maxNear)] {
		names = append(names, n.name)
	}
	return names
}

// distance is the number of edits from a to b; anything above limit when that is sure early.
func distance(a, b string, limit int) int {
	if max(len(a)-len(b), len(b)-len(a)) > limit {
		return limit + 1
	}
	a, b = strings.ToLower(a), strings.ToLower(b)
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}

// meant is the hint that goes with an unknown name; "" when nothing comes close.
func meant(name string, among []string) string {
	near := Nearest(name, among)
	if len(near) == 0 {
		return ""
	}
	for i := range near {
		near[i] = strconv.Quote(near[i])
	}
	return "did you mean " + strings.Join(near, " or ") + "?"
}
