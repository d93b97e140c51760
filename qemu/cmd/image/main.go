// Command image builds what a guest boots, and says where it lies.
//
//	go run ./qemu/cmd/image [-arch arm64|arm]
package main

import (
	"flag"
	"fmt"
	"os"

	"github.com/orderly-init/orderly/qemu/image"
)

func main() {
	arch := flag.String("arch", "arm64", "architecture of the guest: arm64 or arm")
	flag.Parse()
	if err := build(*arch); err != nil {
		fmt.Fprintf(os.Stderr, "image: %v\n", err)
		os.Exit(1)
	}
}

func build(arch string) error {
	a, err := image.ArchOf(arch)
	if err != nil {
		return err
	}
	b, err := image.Open(func(s string) { fmt.Fprintln(os.Stderr, "image: "+s) })
	if err != nil {
		return err
	}
	defer b.Close()
	s, err := b.Example(a.Go, a)
	if err != nil {
		return err
	}
	fmt.Printf("kernel %s\nstage1 %s\nroot   %s\ndata   %s\nkey    %s\n", s.Kernel, s.Stage1, s.Root, s.Data, s.Key)
	return nil
}
