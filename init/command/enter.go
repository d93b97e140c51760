package command

import (
	"fmt"
	"os"
	"os/signal"
	"unsafe"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/control"
	"github.com/orderly-init/orderly/init/binary"
	"github.com/orderly-init/orderly/runtime"
	"github.com/orderly-init/orderly/runtime/container"
)

func enterCommand(o *options) *cobra.Command {
	c := &cobra.Command{
		Use: "enter NAME [COMMAND [ARGUMENT...]]", Short: "Run a command, or a shell, inside a container", Args: cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			binary.Protect()
			var reply control.EnterReply
			if err := o.call("Enter", control.NameParam{Name: args[0]}, &reply); err != nil {
				return err
			}
			argv := args[1:]
			if len(argv) == 0 {
				argv = []string{"/bin/sh"}
			}
			code, err := enter(&reply.Inside, argv)
			switch {
			case err != nil:
				return tried(fmt.Errorf("enter %s: %w", args[0], err))
			case code != 0:
				return exitCode(code)
			}
			return nil
		},
	}
	c.Flags().SetInterspersed(false)
	return c
}

// exitCode is the end of a command that was run for somebody: its status is ours.
type exitCode int

func (e exitCode) Error() string { return fmt.Sprintf("exit %d", int(e)) }

// enter runs a program inside, on our terminal, and returns how it ended: as a shell says it, with 128 more than a signal.
func enter(i *control.Inside, argv []string) (int, error) {
	host := runtime.Probe()
	host.Alone = true
	s := specInside(i, argv)
	fd, err := unix.PidfdOpen(i.PID, 0)
	if err != nil {
		return 0, fmt.Errorf("process %d: %w", i.PID, err)
	}
	defer unix.Close(fd)
	e := container.Entry{PID: i.PID, FD: fd, Kinds: container.Kinds(i.Namespaces), Account: accountInside(i)}
	if err := e.Complete(&s); err != nil {
		return 0, err
	}
	if i.Cgroup != "" {
		if s.Cgroup, err = unix.Open(i.Cgroup, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0); err != nil {
			return 0, fmt.Errorf("cgroup %s: %w", i.Cgroup, err)
		}
	}
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return 0, fmt.Errorf("child subreaper: %w", err)
	}
	signal.Notify(make(chan os.Signal, 1), unix.SIGINT, unix.SIGQUIT, unix.SIGTSTP) // they are the program's, on the same terminal
	return runAlone(host, s)
}

// specInside is the process, as far as the component says it.
func specInside(i *control.Inside, argv []string) runtime.Spec {
	s := runtime.Spec{
		Path: argv[0], Args: argv, Env: i.Env, Dir: "/", Attached: true, NoInput: true, Files: []runtime.File{{Child: 0, FD: 0}, {Child: 1, FD: 1}, {Child: 2, FD: 2}},
		Capabilities: i.Capabilities, Ambient: i.Ambient, NoNewPrivileges: i.NoNewPrivileges,
	}
	if i.AllCapabilities {
		s.Capabilities = nil
	}
	for _, name := range []string{"TERM", "COLUMNS", "LINES"} {
		if v, ok := os.LookupEnv(name); ok {
			s.Env = append(s.Env, name+"="+v)
		}
	}
	for _, w := range i.Filter {
		s.Filter = append(s.Filter, uint64(w))
	}
	return s
}

func accountInside(i *control.Inside) *runtime.Account {
	if i.User == "" && i.Group == "" && i.UserGroups {
		return nil
	}
	a := &runtime.Account{User: i.User, Group: i.Group, Supplementary: i.Groups}
	if i.UserGroups {
		a.Supplementary = nil
	}
	if a.User == "" {
		a.User = "0"
	}
	return a
}

// runAlone starts a process and waits for its end.
func runAlone(host runtime.Host, s runtime.Spec) (int, error) {
	memory, err := unix.Mmap(-1, 0, unix.Getpagesize(), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_ANON)
	if err != nil {
		return 0, fmt.Errorf("map: %w", err)
	}
	slot := (*runtime.Slot)(unsafe.Pointer(&memory[0]))
	wake, err := unix.Eventfd(0, unix.EFD_CLOEXEC)
	if err != nil {
		return 0, fmt.Errorf("eventfd: %w", err)
	}
	p, err := runtime.Prepare(host, s)
	if err != nil {
		return 0, err
	}
	if err := runtime.Start(p, slot, wake); err != nil {
		return 0, err
	}
	for b := make([]byte, 8); !slot.Ended(); {
		unix.Read(wake, b)
	}
	if err := runtime.Failure(p.Steps(), slot); err != nil {
		return 0, err
	}
	return reap(slot.Started())
}

// reap waits for one process, and for all that it leaves to us meanwhile.
func reap(pid int) (int, error) {
	for {
		var status unix.WaitStatus
		ended, err := unix.Wait4(-1, &status, 0, nil)
		switch {
		case err == unix.EINTR:
		case err != nil:
			return 0, fmt.Errorf("wait: %w", err)
		case ended != pid:
		case status.Signaled():
			return 128 + int(status.Signal()), nil
		default:
			return status.ExitStatus(), nil
		}
	}
}
