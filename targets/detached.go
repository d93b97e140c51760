package targets

// checkDetached holds supervision = "none" against what needs supervision. The log would end with Orderly, and the
// writer with it: a detached component's output is "null" unless it is written.
func (v value) checkDetached(c *Component) {
	if !c.Detached {
		return
	}
	if c.Kind == Oneshot {
		v.l.fault(v.path()+".supervision", atKey, "is for a daemon", "a oneshot ends by itself")
	}
	if c.Heartbeat.Via != ViaNothing {
		v.l.fault(v.path()+".heartbeat", atKey, `nobody looks at it: supervision is "none"`, "")
	}
	if c.Resources.Written() {
		v.l.fault(v.path()+".resources", atKey, `it is in no cgroup of its own: supervision is "none"`, "")
	}
	table, _ := v.x.(map[string]any)
	output, _ := table["output"].(map[string]any)
	for key, setting := range map[string]*string{"stdout": &c.Output.Stdout, "stderr": &c.Output.Stderr} {
		if *setting != "log" {
			continue
		}
		if output[key] != nil {
			v.l.fault(v.path()+".output."+key, atValue, `the log does not outlive Orderly, and supervision is "none"`, `write "null" or "file:/PATH"`)
		}
		*setting = "null"
	}
}
