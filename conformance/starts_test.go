package conformance

func starts() []scenario { return nil }
