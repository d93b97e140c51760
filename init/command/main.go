// Package command is what people type.
package command

func Main(args []string) int { return 2 }

func Version() string { return "dev" }
