package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/control"
)

// What follows runs in the guest of the workload crun, as a component of Orderly: it asks Orderly for containers, and starts
// the same ones by crun and runc, which are programs that are executed for each container.
//
//	inside ──► Orderly: Activate on the control socket
//	       └─► crun run, runc run: overlay mounted, the program executed
//
// Both begin with a request, and end with the mark of the container's program.

// The places in the guest.
const (
	boxRoot   = "/box"
	boxBundle = "/bundle" // Orderly's
	boxMarks  = "/run/marks"
	boxPlace  = "/run/boxes" // bundles, and the layers of their overlays
	boxGroups = "/sys/fs/cgroup/boxes"
)

// inside measures, and prints a line for each figure. It does not return: that would be a failure of the component.
func inside(starts, crowd int) {
	if err := insideRounds(starts, crowd); err != nil {
		fmt.Printf("figures failed: %v\n", err)
	}
	fmt.Println("figures end")
	select {}
}

func insideRounds(starts, crowd int) error {
	fifo, err := openMarks(boxMarks)
	if err != nil {
		return err
	}
	c, err := control.Dial(control.DefaultPath())
	if err != nil {
		return err
	}
	l := &lab{fifo: fifo}
	for _, group := range []struct {
		n, rounds int
		target    string
	}{{1, starts, "one"}, {crowd, 1, "many"}} {
		for _, e := range engines(&daemon{client: c}, group.target, group.n) {
			took, err := l.insideStarts(&e.engine, group.n, group.rounds)
			if err != nil {
				return fmt.Errorf("%s, %d at once: %w", e.name, group.n, err)
			}
			fmt.Printf("figure %s %d %.3f\n", e.name, group.n, took)
		}
	}
	return nil
}

// insideStarts is the median time from the request to the last first instruction. Where there are several, a first one is not
// counted: by it files come into memory and modules into the kernel.
func (l *lab) insideStarts(e *engine, n, rounds int) (float64, error) {
	var took []float64
	warm := min(1, rounds-1)
	for range warm + rounds {
		begin, err := e.start()
		if err != nil {
			return 0, err
		}
		_, last, err := l.fifo.take(n)
		if err != nil {
			return 0, err
		}
		took = append(took, ms(last-begin))
		if err := e.stop(); err != nil {
			return 0, err
		}
	}
	return median(took[warm:]), nil
}

// named is an engine with its name on the console.
type named struct {
	name string
	engine
}

func engines(d *daemon, target string, n int) []named {
	var list []named
	for _, name := range []string{"orderly", "orderly-bare"} {
		target := strings.Replace(name, "orderly", target, 1)
		list = append(list, named{name, engine{
			start: func() (int64, error) { begin := now(); return begin, d.activate(target) },
			stop:  func() error { return d.activate("idle") },
		}})
	}
	for _, r := range []struct {
		name    string
		program []string
		overlay bool
	}{
		{"crun", []string{"crun", "--cgroup-manager=cgroupfs", "run"}, true},
		{"crun-bare", []string{"crun", "--cgroup-manager=cgroupfs", "run"}, false},
		{"runc", []string{"runc", "run"}, true},
	} {
		v := &rival{program: r.program, overlay: r.overlay, n: n}
		list = append(list, named{r.name, engine{start: v.start, stop: v.stop}})
	}
	return list
}

// rival starts containers by a program.
type rival struct {
	program []string
	overlay bool // a writable layer is mounted before
	n       int
	running []*exec.Cmd
}

func (r *rival) dir(i int) string { return filepath.Join(boxPlace, componentName(i)) }

// start makes the bundles, which is not counted, and then all containers at once.
func (r *rival) start() (begin int64, err error) {
	out, err := os.OpenFile(boxMarks, os.O_WRONLY, 0)
	if err != nil {
		return 0, err
	}
	defer out.Close()
	for i := range r.n {
		if err := r.prepare(i); err != nil {
			return 0, err
		}
	}
	begin = now()
	for i := range r.n {
		if err := r.run(i, out); err != nil {
			return 0, err
		}
	}
	return begin, nil
}

func (r *rival) prepare(i int) error {
	dir, root := r.dir(i), boxRoot
	if r.overlay {
		root = filepath.Join(dir, "rootfs")
	}
	for _, d := range []string{filepath.Join(dir, "rootfs"), filepath.Join(dir, "layers")} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			return err
		}
	}
	config, err := bundle(root, componentName(i), componentName(i))
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "config.json"), config, 0o644)
}

// run mounts what Orderly mounts by itself, and executes the program.
func (r *rival) run(i int, out *os.File) error {
	if r.overlay {
		if err := mountLayers(r.dir(i)); err != nil {
			return err
		}
	}
	args := append(append([]string{}, r.program[1:]...), "--bundle", r.dir(i), componentName(i))
	cmd := exec.Command(r.program[0], args...)
	cmd.Stdout, cmd.Stderr = out, os.Stderr
	if err := cmd.Start(); err != nil {
		return err
	}
	r.running = append(r.running, cmd)
	return nil
}

func mountLayers(dir string) error {
	layers, root := filepath.Join(dir, "layers"), filepath.Join(dir, "rootfs")
	if err := unix.Mount("tmpfs", layers, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=0755"); err != nil {
		return fmt.Errorf("mount %s: %w", layers, err)
	}
	for _, name := range []string{"upper", "work"} {
		if err := unix.Mkdir(filepath.Join(layers, name), 0o755); err != nil {
			return err
		}
	}
	if err := unix.Mount("overlay", root, "overlay", 0, "lowerdir="+boxRoot+",upperdir="+layers+"/upper,workdir="+layers+"/work"); err != nil {
		return fmt.Errorf("mount %s: %w", root, err)
	}
	return nil
}

// stop kills the containers, by their cgroups, and waits for the programs, which clean up.
func (r *rival) stop() (err error) {
	for i := range r.running {
		kill := filepath.Join(boxGroups, componentName(i), "cgroup.kill")
		err = errors.Join(err, os.WriteFile(kill, []byte("1"), 0))
	}
	for i, cmd := range r.running {
		late := time.AfterFunc(markPatience, func() { cmd.Process.Kill() })
		cmd.Wait() // it ends as the container does: killed
		late.Stop()
		if r.overlay {
			err = errors.Join(err, unix.Unmount(filepath.Join(r.dir(i), "rootfs"), 0), unix.Unmount(filepath.Join(r.dir(i), "layers"), 0))
		}
	}
	r.running = nil
	return err
}
