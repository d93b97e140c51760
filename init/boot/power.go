package boot

import (
	"encoding/binary"
	"path/filepath"
	"unsafe"

	"golang.org/x/sys/unix"
)

// keyPower is KEY_POWER, and evKey is EV_KEY of linux/input-event-codes.h.
const (
	evKey    = 1
	keyPower = 116
	keyBytes = 96 // KEY_CNT bits
)

// inputEvent is the size of struct input_event: two longs of time, type, code, value.
const inputEvent = 2*int(unsafe.Sizeof(uintptr(0))) + 8

// PowerButtons opens the input devices that have a power key; they are the caller's, and do not block. Without
// the module evdev there are none.
func PowerButtons() []int {
	paths, err := filepath.Glob("/dev/input/event*")
	if err != nil {
		return nil
	}
	var found []int
	for _, path := range paths {
		fd, err := unix.Open(path, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
		if err != nil {
			continue
		}
		if !hasPowerKey(fd) {
			unix.Close(fd)
			continue
		}
		found = append(found, fd)
	}
	return found
}

func hasPowerKey(fd int) bool {
	var keys [keyBytes]byte
	// EVIOCGBIT(EV_KEY, len): _IOC(_IOC_READ, 'E', 0x20 + EV_KEY, len)
	request := uintptr(2<<30 | keyBytes<<16 | 'E'<<8 | 0x20 + evKey)
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), request, uintptr(unsafe.Pointer(&keys[0])))
	return errno == 0 && keys[keyPower/8]&(1<<(keyPower%8)) != 0
}

// PowerPressed reads what such a device has to tell, and says whether its power key went down. gone is a device that
// has been taken away.
func PowerPressed(fd int) (pressed, gone bool) {
	buf := make([]byte, 64*inputEvent)
	for {
		n, err := unix.Read(fd, buf)
		switch {
		case err == unix.EINTR:
			continue
		case err == unix.EAGAIN:
			return pressed, false
		case err != nil || n <= 0:
			return pressed, true
		}
		pressed = pressed || pressedIn(buf[:n])
	}
}

func pressedIn(b []byte) bool {
	for ; len(b) >= inputEvent; b = b[inputEvent:] {
		e := b[inputEvent-8:]
		kind, code := binary.NativeEndian.Uint16(e), binary.NativeEndian.Uint16(e[2:])
		if kind == evKey && code == keyPower && int32(binary.NativeEndian.Uint32(e[4:])) == 1 {
			return true
		}
	}
	return false
}
