package boot

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/targets"
)

// sceneDisk has a file system on a loop device, of which a file is open and removed: as the binary of PID 1 is
// after an upgrade.
func sceneDisk(report io.Writer) {
	Early()
	name, err := attachLoop(4)
	if err != nil {
		fmt.Fprintln(report, "no loop device:", err)
		return
	}
	m := targets.Mount{Source: "/dev/" + name, Target: "/disk", Type: "ext4", Options: "noatime"}
	fmt.Fprintln(report, mount(m), there(m, mountOptions{}))
	file, _ := os.Create("/disk/file")
	os.Remove("/disk/file")
	d := &down{voice: NewVoice(report), hung: map[string]bool{}}
	d.detachAll()
	d.key = func(key string) error {
		d.voice.Drain(time.Minute)
		fmt.Fprintln(report, "key", key)
		file.Close()
		return unix.Mount("", "/disk", "", unix.MS_REMOUNT|unix.MS_RDONLY, "")
	}
	d.readOnly()
	d.voice.Drain(time.Minute)
	fmt.Fprintln(report, "writable", len(d.writable(nil)), "attached", slices.Contains(loops(), name))
	d.layers = []layer{{"loop", func() []string {
		return slices.DeleteFunc(loops(), func(l string) bool { return l != name })
	}, clearLoop}}
	d.detachAll()
	fmt.Fprintln(report, "attached", slices.Contains(loops(), name), "left", len(d.mountsLeft()))
}

// attachLoop gives a descriptor's file to a loop device.
func attachLoop(file int) (name string, err error) {
	control, err := unix.Open("/dev/loop-control", unix.O_RDWR, 0)
	if err != nil {
		return "", err
	}
	defer unix.Close(control)
	n, err := unix.IoctlRetInt(control, unix.LOOP_CTL_GET_FREE)
	if err != nil {
		return "", err
	}
	name = fmt.Sprintf("loop%d", n)
	fd, err := unix.Open("/dev/"+name, unix.O_RDWR, 0)
	if err != nil {
		return "", err
	}
	defer unix.Close(fd)
	return name, unix.IoctlSetInt(fd, unix.LOOP_SET_FD, file)
}

func TestBusyDisk(t *testing.T) {
	path := filepath.Join(t.TempDir(), "image")
	if out, err := exec.Command("mke2fs", "-q", "-t", "ext4", path, "4M").CombinedOutput(); err != nil {
		t.Skipf("needs mke2fs: %v %s", err, out)
	}
	image, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer image.Close()
	got, _ := perform(t, "disk", image)
	if strings.HasPrefix(got, "no loop device") {
		t.Skip(got)
	}
	compare(t, `<nil> true
orderly: remount /disk read-only: device or resource busy
key u
writable 0 attached true
attached false left 0
`, got)
}

// TestDeviceMapper makes a device without a table, and removes it as the end of the machine does.
func TestDeviceMapper(t *testing.T) {
	control, err := unix.Open("/dev/mapper/control", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Skipf("needs device-mapper: /dev/mapper/control: %v", err)
	}
	defer unix.Close(control)
	name := fmt.Sprintf("orderly-test-%d", os.Getpid())
	request := mapperRequest(name)
	const create = dmRemove - 1
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(control), create, uintptr(unsafe.Pointer(&request))); errno != 0 {
		t.Skipf("needs device-mapper: create: %v", errno)
	}
	device := ""
	for _, d := range mapped() {
		if b, _ := os.ReadFile("/sys/block/" + d + "/dm/name"); string(b) == name+"\n" {
			device = d
		}
	}
	if device == "" {
		t.Fatalf("%s is not in %v", name, mapped())
	}
	if err := removeMapped(device); err != nil {
		t.Fatal(err)
	}
	if slices.Contains(mapped(), device) {
		t.Errorf("%s is still there", device)
	}
}
