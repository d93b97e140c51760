package targets

import "strconv"

// checkPipes finds pipes between components that lack an end, or have two readers: each would get a part of what is
// written, by chance.
func (l *loader) checkPipes(c *Config) {
	readers, writers := map[string]string{}, map[string]bool{}
	for i := range c.Components {
		x := &c.Components[i]
		for _, setting := range []string{x.Output.Stdout, x.Output.Stderr} {
			if name, ok := PipeName(setting); ok {
				writers[name] = true
			}
		}
		name, ok := PipeName(x.Output.Stdin)
		if !ok {
			continue
		}
		if other, taken := readers[name]; taken {
			l.fault(x.path()+".output.stdin", atValue, "pipe "+strconv.Quote(name)+" is read by "+strconv.Quote(other)+" already", "a pipe has one reader")
		}
		readers[name] = x.Name
	}
	for i := range c.Components {
		l.checkEnds(&c.Components[i], readers, writers)
	}
}

func (l *loader) checkEnds(x *Component, readers map[string]string, writers map[string]bool) {
	for _, end := range []struct{ key, setting string }{{"stdout", x.Output.Stdout}, {"stderr", x.Output.Stderr}, {"stdin", x.Output.Stdin}} {
		name, ok := PipeName(end.setting)
		path := x.path() + ".output." + end.key
		switch {
		case !ok:
		case end.key == "stdin" && !writers[name]:
			l.fault(path, atValue, "nobody writes to pipe "+strconv.Quote(name), `write output = { stdout = "pipe:`+name+`" } in a component`)
		case end.key != "stdin" && readers[name] == "":
			l.fault(path, atValue, "nobody reads pipe "+strconv.Quote(name), `write output = { stdin = "pipe:`+name+`" } in a component`)
		case end.key != "stdin" && readers[name] == x.Name:
			l.fault(path, atValue, "pipe "+strconv.Quote(name)+" goes back to its writer", "")
		}
	}
}
