package guest

import (
	"fmt"
	"io"
	"os"
	"os/exec"
)

// OnTerminal runs a machine with its console on our terminal, until it is off. What the user should know, such as the
// addresses of the forwarded ports, is asked of hint and printed first. Ctrl-A x ends QEMU, Ctrl-A h shows more.
func OnTerminal(o Options, out io.Writer, hint func(address func(port int) string) string) error {
	dir, err := os.MkdirTemp("", "guest")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	g := &Guest{}
	if g.ports, err = freePorts(o.Forward); err != nil {
		return err
	}
	fmt.Fprintln(out, hint(g.Address))
	cmd := exec.Command(o.program(), append(o.arguments(dir, g.ports), "-serial", "mon:stdio")...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w", o.program(), err)
	}
	return nil
}
