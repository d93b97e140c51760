package guest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// slots is how many guests run at once on a host, whoever started them.
const slots = 2

// takeSlot waits for a free slot. The lock goes with the file, so that a process that dies gives it back (flock(2)).
func takeSlot(limit time.Duration) (*os.File, error) {
	const pause = 50 * time.Millisecond
	for waited := time.Duration(0); waited < limit; waited += pause {
		for i := range slots {
			f, err := trySlot(i)
			if err != nil || f != nil {
				return f, err
			}
		}
		time.Sleep(pause)
	}
	return nil, fmt.Errorf("wait for a free guest slot: none within %v", limit)
}

func trySlot(i int) (*os.File, error) {
	name := fmt.Sprintf("orderly-guest-%d-%d.lock", os.Getuid(), i)
	f, err := os.OpenFile(filepath.Join(os.TempDir(), name), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if err == nil {
		return f, nil
	}
	f.Close()
	if errors.Is(err, unix.EWOULDBLOCK) {
		return nil, nil
	}
	return nil, fmt.Errorf("lock %s: %w", f.Name(), err)
}
