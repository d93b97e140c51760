package supervisor

// swap refuses a new configuration.
func (m *Machine) swap(e Apply) { m.refuse(e.Request, "the running configuration cannot be replaced") }
