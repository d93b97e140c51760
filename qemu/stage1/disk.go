package main

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"time"
)

// waitFor waits until the root device is there: drivers find their disks after the module is loaded.
func waitFor(root string, limit time.Duration) (string, error) {
	const pause = 2 * time.Millisecond
	for waited := time.Duration(0); ; waited += pause {
		if device := find(root); device != "" {
			return device, nil
		}
		if waited >= limit {
			return "", fmt.Errorf("wait for root=%s: not there after %v", root, limit)
		}
		time.Sleep(pause)
	}
}

// find is the device that root= means, or "".
func find(root string) string {
	label, byLabel := strings.CutPrefix(root, "LABEL=")
	if !byLabel {
		if _, err := os.Stat(root); err != nil {
			return ""
		}
		return root
	}
	disks, err := os.ReadDir("/sys/class/block")
	if err != nil {
		return ""
	}
	for _, d := range disks {
		if device := "/dev/" + d.Name(); ext4Label(device) == label {
			return device
		}
	}
	return ""
}

// ext4Label is the volume name of an ext4 file system, or "". The super block starts at byte 1024; in it, at 56, the
// magic number 0xEF53, and at 120 the name, 16 bytes (Documentation/filesystems/ext4/super.rst).
func ext4Label(device string) string {
	f, err := os.Open(device)
	if err != nil {
		return ""
	}
	defer f.Close()
	var block [136]byte
	if _, err := f.ReadAt(block[:], 1024); err != nil {
		return ""
	}
	if block[56] != 0x53 || block[57] != 0xEF {
		return ""
	}
	name, _, _ := bytes.Cut(block[120:136], []byte{0})
	return string(name)
}
