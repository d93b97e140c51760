package conformance

func readiness() []scenario { return nil }
