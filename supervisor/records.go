package supervisor

// records remembers which facts have changed since they were last stored.
type records struct {
	units, targets []bool
	machine        bool
}

func (r *records) resize(units, targets int) {
	r.units, r.targets = make([]bool, units), make([]bool, targets)
}

func (r *records) mark(c int)   { r.units[c] = true }
func (r *records) markMachine() { r.machine = true }
func (r *records) markTargets() {
	for t := range r.targets {
		r.targets[t] = true
	}
}
