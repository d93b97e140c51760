package boot

import "errors"

// LoadModules loads kernel modules for something that is to be made now, where they are neither built in nor loaded.
// A machine that has no modules has none to load, so only what it has and refuses is an error.
func LoadModules(names []string) error {
	var missing []string
	for _, name := range names {
		if !present(name) {
			missing = append(missing, name)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	l, err := newLoader(commandLine())
	if err != nil {
		return nil
	}
	for _, name := range missing {
		if real := l.real(name); l.path[real] != "" {
			err = errors.Join(err, wrap("kernel module "+name, l.load(name)))
		}
	}
	return err
}
