//go:build !amd64

package main

// program is where the linker puts a program.
const program = 0x10000
