package conformance

import (
	"path/filepath"
)

// storms are scenarios about file systems that come and go.
func storms() []scenario {
	return []scenario{
		{id: "K107", story: "a thousand mounts come and go while a start waits for a file on one: the control socket is answered in time, and the file is found", play: mountStorm,
			places: []place{first}, files: map[string]string{"m/x": ""}, config: `
[component.late]
command = ["sleep", "1000"]
[[component.late.start_conditions]]
file = "$DIR/m/flag"
timeout = "60s"
[target.all]
wants = ["late"]
`},
	}
}

func mountStorm(w *world) {
	go w.apart("all")
	w.eventually("late", "waiting")
	w.inside(filepath.Join(programs, "victim"), "mounts", "1000", w.path("m"))
	w.is("late", "waiting", "")
	w.inside("sh", "-c", "mount -t tmpfs none "+w.path("m")+" && touch "+w.path("m/flag"))
	w.eventually("late", "ready")
	w.inside("umount", w.path("m"))
	w.is("late", "ready", "")
}
