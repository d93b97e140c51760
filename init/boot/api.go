// Package boot brings the machine up and down as PID 1.
package boot

import (
	"context"
	"io"
	"time"

	"github.com/orderly-init/orderly/supervisor"
	"github.com/orderly-init/orderly/targets"
)

type CommandLine struct {
	Target, Config string
	Rescue, Quiet  bool
	RescueMode     string
	RescueTimeout  time.Duration
}

type Options struct {
	System         targets.System
	StateDirectory string
	Built          time.Time
	Run            func(ctx context.Context, argv []string) (exit int, err error)
	Say            func(level targets.Level, text string)
}

type DownOptions struct {
	End            supervisor.End
	Grace          time.Duration
	Now            bool
	StateDirectory string
	Voice          io.Writer
}

func Early() []string                                          { return nil }
func ReadCommandLine() CommandLine                             { return CommandLine{} }
func Up(ctx context.Context, o Options) []string               { return nil }
func Down(o DownOptions)                                       {}
func Now()                                                     {}
func Rescue(c CommandLine, problems []string) []targets.Source { return nil }
func LastGood(dir string) string                               { return dir + "/last-good" }
func SaveAtomically(path string, data []byte) error            { return nil }
func KexecLoaded() bool                                        { return false }
