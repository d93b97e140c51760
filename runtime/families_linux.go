package runtime

// Families is Descendants of several, with one walk of /proc: for each list of roots the pids that belong to any of them.
func Families(roots [][]int) ([][]int, error) {
	all, err := processes()
	if err != nil {
		return nil, err
	}
	families := make([][]int, len(roots))
	for i, list := range roots {
		families[i] = family(all, list)
	}
	return families, nil
}

// family is belonging for several roots, without the dead.
func family(all []Process, roots []int) []int {
	in := map[int]bool{}
	for _, pid := range roots {
		in[pid] = pid > 0
	}
	for grown := true; grown; {
		grown = false
		for _, p := range all {
			if !in[p.PID] && (in[p.Parent] || in[p.Session]) {
				in[p.PID], grown = true, true
			}
		}
	}
	var pids []int
	for _, p := range all {
		if in[p.PID] && !p.Dead {
			pids = append(pids, p.PID)
		}
	}
	return pids
}
