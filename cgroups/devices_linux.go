package cgroups

import (
	"fmt"
	goruntime "runtime"
	"slices"
	"unsafe"

	"golang.org/x/sys/unix"
)

// AllowDevices lets the processes of a group use the devices of the rules, and no others. It holds for the groups below too, which
// can take away from it but add nothing. It takes the place of what was allowed before, and is gone with the group.
func (t *Tree) AllowDevices(name string, rules []DeviceRule) error {
	if len(rules) > deviceRules {
		return fmt.Errorf("devices of %s: %d rules are more than %d", name, len(rules), deviceRules)
	}
	compiled, err := compileAll(rules)
	if err != nil {
		return fmt.Errorf("devices of %s: %w", name, err)
	}
	if err := t.filter.load(compiled); err != nil {
		return fmt.Errorf("devices of %s: load the filter: %w", name, err)
	}
	group, err := unix.Openat(t.fd, name, unix.O_DIRECTORY|unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("devices of %s: open the group: %w", name, err)
	}
	defer unix.Close(group)
	if err := attachDevices(group, t.filter.program); err != nil {
		return fmt.Errorf("devices of %s: attach the filter: %w", name, err)
	}
	return nil
}

// deviceFilter is a program that the kernel has checked and translated, which takes it longer than it takes to start a process. Most
// groups have the same rules, so it is kept for the next one. The zero value is none.
type deviceFilter struct {
	rules   []rule
	program int // its descriptor
	loaded  bool
}

func (f *deviceFilter) load(rules []rule) error {
	if f.loaded && slices.Equal(f.rules, rules) {
		return nil
	}
	program, err := loadDevices(deviceProgram(rules))
	if err != nil {
		return err
	}
	f.close()
	*f = deviceFilter{rules: rules, program: program, loaded: true}
	return nil
}

func (f *deviceFilter) close() {
	if f.loaded {
		unix.Close(f.program)
	}
	*f = deviceFilter{}
}

// pointer is an address in union bpf_attr: 64 bits everywhere.
type pointer = uint64

func address(p unsafe.Pointer) pointer { return pointer(uintptr(p)) }

// loadDevices has the kernel check a program and keep it (BPF_PROG_LOAD of bpf(2)).
func loadDevices(program []instruction) (fd int, err error) {
	license := []byte("Apache-2.0\x00") // it calls no function of the kernel's that would ask for another
	attr := struct {
		kind, instructions    uint32
		code, license         pointer
		logLevel, logSize     uint32
		log                   pointer
		kernel, flags         uint32
		name                  [16]byte
		device, expectedPlace uint32
	}{
		kind: unix.BPF_PROG_TYPE_CGROUP_DEVICE, instructions: uint32(len(program)),
		code: address(unsafe.Pointer(&program[0])), license: address(unsafe.Pointer(&license[0])),
		expectedPlace: unix.BPF_CGROUP_DEVICE,
	}
	copy(attr.name[:], "orderly_devices")
	n, err := bpf(unix.BPF_PROG_LOAD, unsafe.Pointer(&attr), unsafe.Sizeof(attr))
	goruntime.KeepAlive(program)
	goruntime.KeepAlive(license)
	return n, err
}

// attachDevices puts a program in force for a group. Without flags it takes the place of another one, and no group below may have
// one that counts instead (BPF_PROG_ATTACH).
func attachDevices(group, program int) error {
	attr := struct{ group, program, place, flags, replaced uint32 }{
		group: uint32(group), program: uint32(program), place: unix.BPF_CGROUP_DEVICE,
	}
	_, err := bpf(unix.BPF_PROG_ATTACH, unsafe.Pointer(&attr), unsafe.Sizeof(attr))
	return err
}

// bpf makes the call. The kernel says EAGAIN when a signal came while it checked the program.
func bpf(command int, attr unsafe.Pointer, size uintptr) (int, error) {
	for {
		n, _, errno := unix.Syscall(unix.SYS_BPF, uintptr(command), uintptr(attr), size)
		switch errno {
		case 0:
			return int(n), nil
		case unix.EAGAIN, unix.EINTR:
		default:
			return -1, errno
		}
	}
}
