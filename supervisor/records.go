package supervisor

// records remembers which facts have changed since they were last stored, and where they are stored.
type records struct {
	units, targets []bool
	machine        bool
	to             *Table   // where everything was stored last
	freed          []string // names whose records are no longer needed
}

func (r *records) resize(units, targets int) {
	r.units, r.targets = make([]bool, units), make([]bool, targets)
}

func (r *records) mark(c int) { r.units[c] = true }

func (r *records) markMachine() { r.machine = true }

func (r *records) markTargets() {
	r.machine = true
	for t := range r.targets {
		r.targets[t] = true
	}
}

func (r *records) markAll() {
	r.markTargets()
	for c := range r.units {
		r.units[c] = true
	}
}
