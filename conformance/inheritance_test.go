package conformance

func inheritance() []scenario { return nil }
