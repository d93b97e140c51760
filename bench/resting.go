package main

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/targets"
)

// restart kills components and takes the time to the first instruction of the next run.
func restart(l *lab) ([]row, error) {
	var rows []row
	for _, n := range []int{1, l.count} {
		var took []float64
		err := l.with(l.side(n), n, func(d *daemon) error {
			for i := range l.kills {
				t, err := l.kill(d, componentName(i*7%n))
				if err != nil {
					return err
				}
				took = append(took, t)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		rows = append(rows,
			row{name: fmt.Sprintf("SIGKILL to next run, 1 of %d", n), unit: "ms", got: median(took), goal: goal{atMost, 1}},
			row{name: "  99th percentile", unit: "ms", got: quantile(took, 0.99)})
	}
	return rows, nil
}

// kill kills one component and waits until it runs again.
func (l *lab) kill(d *daemon, name string) (float64, error) {
	c, err := d.component(name)
	if err != nil {
		return 0, err
	}
	time.Sleep(2 * time.Millisecond) // a component that dies does so in a quiet system
	begin := now()
	if err := unix.Kill(c.PID, unix.SIGKILL); err != nil {
		return 0, fmt.Errorf("kill %s, pid %d: %w", name, c.PID, err)
	}
	_, at, err := l.fifo.take(1)
	if err != nil {
		return 0, err
	}
	for late := time.Now().Add(patience); time.Now().Before(late); time.Sleep(time.Millisecond) {
		again, err := d.component(name)
		if err != nil {
			return 0, err
		}
		if again.State == "ready" && again.Run > c.Run {
			return ms(at - begin), nil
		}
	}
	return 0, fmt.Errorf("%s is not ready again", name)
}

// activate asks for the target that is active already.
func activate(l *lab) ([]row, error) {
	var took []float64
	err := l.with(l.side(l.count), l.count, func(d *daemon) error {
		for range l.calls {
			begin := now()
			if err := d.activate("all"); err != nil {
				return err
			}
			took = append(took, ms(now()-begin))
		}
		return nil
	})
	return []row{
		{name: fmt.Sprintf("activation of the active target, %d components", l.count), unit: "ms", got: median(took), goal: goal{atMost, 1}},
		{name: "  99th percentile", unit: "ms", got: quantile(took, 0.99)},
	}, err
}

// memory is what keeper and manager take, shared pages divided among those who share them.
func memory(l *lab) ([]row, error) {
	goals := map[int]goal{1: {atMost, 10}, 1000: {atMost, 16}}
	var rows []row
	for _, n := range []int{1, 100, 1000} {
		var keeper, manager float64
		err := l.with(l.side(n), n, func(d *daemon) (err error) {
			time.Sleep(time.Second)
			if keeper, err = pss(d.keeper); err != nil {
				return err
			}
			manager, err = pss(d.manager)
			return err
		})
		if err != nil {
			return nil, err
		}
		rows = append(rows,
			row{name: fmt.Sprintf("memory (PSS), components: %d", n), unit: "MB", got: keeper + manager, goal: goals[n]},
			row{name: "  of it the keeper", unit: "MB", got: keeper})
	}
	return rows, nil
}

// pss is the proportional set size in megabytes (proc_pid_smaps(5)).
func pss(pid int) (float64, error) {
	kb, err := field(fmt.Sprintf("/proc/%d/smaps_rollup", pid), "Pss:")
	return float64(kb) * 1024 / 1e6, err
}

// field is a number behind its key in a file of the kernel's.
func field(path, key string) (int, error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	for in := bufio.NewScanner(f); in.Scan(); {
		if words := strings.Fields(in.Text()); len(words) > 1 && words[0] == key {
			return strconv.Atoi(words[1])
		}
	}
	return 0, fmt.Errorf("%s: no %s", path, key)
}

// idle counts how often keeper and manager wake although nothing happens.
func idle(l *lab) ([]row, error) {
	var woken float64
	err := l.with(l.side(l.count), l.count, func(d *daemon) error {
		time.Sleep(3 * time.Second) // what the start itself has left to do
		before, err := switches(d.keeper, d.manager)
		if err != nil {
			return err
		}
		time.Sleep(time.Duration(l.quiet) * time.Second)
		after, err := switches(d.keeper, d.manager)
		woken = float64(after - before)
		return err
	})
	return []row{{name: fmt.Sprintf("wake-ups in %d idle seconds, %d components", l.quiet, l.count), unit: "times",
		got: woken, goal: goal{atMost, 0}}}, err
}

// switches counts how often the threads of processes have gone to sleep (proc_pid_status(5)).
func switches(pids ...int) (sum int, err error) {
	for _, pid := range pids {
		files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", pid))
		if err != nil || len(files) == 0 {
			return 0, fmt.Errorf("threads of %d: none found", pid)
		}
		for _, f := range files {
			n, err := field(f, "voluntary_ctxt_switches:")
			if err != nil {
				return 0, err
			}
			sum += n
		}
	}
	return sum, nil
}

// load reads and checks a configuration: as a command, and as the manager does it.
func load(l *lab) ([]row, error) {
	file := l.path("load.toml")
	if err := os.WriteFile(file, []byte(l.side(l.count)), 0o644); err != nil {
		return nil, err
	}
	var command, call []float64
	for range l.rounds {
		begin := now()
		if out, err := exec.Command(l.orderly, "check", file).CombinedOutput(); err != nil {
			return nil, fmt.Errorf("orderly check: %w\n%s", err, out)
		}
		command = append(command, ms(now()-begin))
		begin = now()
		sources, problems := targets.ReadSources(file)
		config, more := targets.Load(sources)
		if problems.Fatal() || more.Fatal() {
			return nil, more
		}
		targets.NewGraph(config)
		call = append(call, ms(now()-begin))
	}
	name := fmt.Sprintf("%d components", l.count)
	return []row{
		{name: "orderly check, " + name, unit: "ms", got: median(command)},
		{name: "loading in the process, " + name, unit: "ms", got: median(call)},
	}, nil
}
