package targets

// checkPIDFile holds pid_file against the component, and makes it the readiness of one that has no other.
func (v value) checkPIDFile(own map[string]any, c *Component) {
	path := v.path() + ".pid_file"
	ready, _ := own["ready"].(map[string]any)
	switch {
	case c.PIDFile == "":
	case c.Kind == Oneshot && own["pid_file"] == nil: // of the defaults or a template, which are for daemons too
		c.PIDFile = ""
	case c.Kind == Oneshot:
		v.l.fault(path, atKey, "is for a daemon", "a oneshot is over when its first process ends")
	case c.Detached:
		v.l.fault(path, atKey, `nobody looks at it: supervision is "none"`, "")
	case c.Ready.When == Started && ready["when"] != nil:
		v.l.fault(v.path()+".ready.when", atValue, "with a pid_file it is ready when that names a process", "leave it out")
	case c.Ready.When == Started:
		c.Ready.When = Forked
	}
}
