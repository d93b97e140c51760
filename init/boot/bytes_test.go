package boot

import (
	"strings"
	"testing"
)

// FuzzSwaps: each line of /proc/swaps that has a path gives one, with its blanks as they are.
func FuzzSwaps(f *testing.F) {
	f.Add("Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n/dev/vda2 partition\t1\t0\t-2\n/a\\040file\\040(deleted) file 1 0 -3\n")
	f.Add("/\\04")
	f.Add("/\\777 x\n/\n\n")
	f.Fuzz(func(t *testing.T, text string) {
		for _, path := range parseSwaps(text) {
			if !strings.HasPrefix(path, "/") {
				t.Errorf("%q: %q is no path", text, path)
			}
		}
	})
}

// FuzzKeys: events of an input device may come cut and of any kind.
func FuzzKeys(f *testing.F) {
	f.Add(make([]byte, inputEvent))
	f.Add(append(make([]byte, inputEvent-8), 1, 0, 116, 0, 1, 0, 0, 0))
	f.Fuzz(func(t *testing.T, b []byte) {
		if pressedIn(b) && len(b) < inputEvent {
			t.Errorf("%x is half an event", b)
		}
	})
}

// FuzzOptions: no option of a mount is lost that is for the file system, and none comes twice.
func FuzzOptions(f *testing.F) {
	f.Add(`ro,bind,x-mount.mkdir,lowerdir="a,b",size=1m`)
	f.Add(`",",,"`)
	f.Add("remount,rbind,rw,shared")
	f.Fuzz(func(t *testing.T, text string) {
		o := parseOptions(text)
		if len(o.data) > len(text) {
			t.Errorf("%q has become %q", text, o.data)
		}
		if again := parseOptions(o.data); again.data != o.data || again.flags != 0 {
			t.Errorf("%q is %q, and that is %+v", text, o.data, again)
		}
	})
}
