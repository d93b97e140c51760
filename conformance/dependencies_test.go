package conformance

func dependencies() []scenario { return nil }
