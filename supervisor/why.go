package supervisor

// failure tells of a component that did not become ready: the step and why.
func (m *Machine) failure(c int) Failure {
	u := &m.units[c]
	return Failure{Name: u.def.Name, Step: u.cause.Code.step(), Reason: u.cause.String()}
}
