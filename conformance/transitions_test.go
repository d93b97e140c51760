package conformance

func transitions() []scenario { return nil }
