package conformance

func restarts() []scenario { return nil }
