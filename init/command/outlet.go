package command

import (
	"errors"
	"io"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"
)

// outlet is standard output. It keeps the first error: who reads what a command has printed must not take half of it for all.
type outlet struct {
	io.Writer
	err error
}

func (o *outlet) Write(b []byte) (int, error) {
	if o.err != nil {
		return 0, o.err
	}
	n, err := o.Writer.Write(b)
	if errors.Is(err, unix.EBADF) { // there is none, and no /dev/null in its place: see entry.go. Nobody wants to know
		return len(b), nil
	}
	o.err = err
	return n, err
}

// unwritten is why something that a command has printed is not there, nil where it is.
func unwritten(c *cobra.Command) error {
	if o, ok := c.OutOrStdout().(*outlet); ok {
		return tried(o.err)
	}
	return nil
}
