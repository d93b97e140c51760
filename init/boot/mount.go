package boot

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/targets"
)

// mountOptions is an options string, taken apart: what are flags of mount(2), what the file system is told, and how
// the mount is shared.
type mountOptions struct {
	flags uintptr
	share uintptr // MS_SHARED and the like, a call of their own; 0 is none
	data  string
}

func (o mountOptions) String() string {
	return fmt.Sprintf("flags %#x share %#x data %q", o.flags, o.share, o.data)
}

// option is a word of an options string: flags that it sets and takes away.
type option struct {
	set, clear, share uintptr
}

// options are the words that mount(8) knows for every file system. An empty one says nothing to the kernel.
func options() map[string]option {
	const atimes = unix.MS_NOATIME | unix.MS_RELATIME | unix.MS_STRICTATIME
	return map[string]option{
		"defaults": {}, "rw": {clear: unix.MS_RDONLY}, "ro": {set: unix.MS_RDONLY},
		"suid": {clear: unix.MS_NOSUID}, "nosuid": {set: unix.MS_NOSUID},
		"dev": {clear: unix.MS_NODEV}, "nodev": {set: unix.MS_NODEV},
		"exec": {clear: unix.MS_NOEXEC}, "noexec": {set: unix.MS_NOEXEC},
		"sync": {set: unix.MS_SYNCHRONOUS}, "async": {clear: unix.MS_SYNCHRONOUS},
		"dirsync": {set: unix.MS_DIRSYNC}, "mand": {set: unix.MS_MANDLOCK}, "nomand": {clear: unix.MS_MANDLOCK},
		"atime": {clear: unix.MS_NOATIME}, "noatime": {set: unix.MS_NOATIME, clear: atimes},
		"relatime": {set: unix.MS_RELATIME, clear: atimes}, "norelatime": {clear: unix.MS_RELATIME},
		"strictatime": {set: unix.MS_STRICTATIME, clear: atimes}, "nostrictatime": {clear: unix.MS_STRICTATIME},
		"diratime": {clear: unix.MS_NODIRATIME}, "nodiratime": {set: unix.MS_NODIRATIME},
		"lazytime": {set: unix.MS_LAZYTIME}, "nolazytime": {clear: unix.MS_LAZYTIME},
		"silent": {set: unix.MS_SILENT}, "loud": {clear: unix.MS_SILENT},
		"nosymfollow": {set: unix.MS_NOSYMFOLLOW}, "symfollow": {clear: unix.MS_NOSYMFOLLOW},
		"remount": {set: unix.MS_REMOUNT}, "move": {set: unix.MS_MOVE},
		"bind": {set: unix.MS_BIND}, "rbind": {set: unix.MS_BIND | unix.MS_REC},
		"shared": {share: unix.MS_SHARED}, "rshared": {share: unix.MS_SHARED | unix.MS_REC},
		"slave": {share: unix.MS_SLAVE}, "rslave": {share: unix.MS_SLAVE | unix.MS_REC},
		"private": {share: unix.MS_PRIVATE}, "rprivate": {share: unix.MS_PRIVATE | unix.MS_REC},
		"unbindable": {share: unix.MS_UNBINDABLE}, "runbindable": {share: unix.MS_UNBINDABLE | unix.MS_REC},
		"auto": {}, "noauto": {}, "user": {}, "nouser": {}, "users": {}, "nofail": {}, "_netdev": {},
	}
}

// parseOptions reads an options string as mount(8) does. What is not known is data for the file system; a comma
// within double quotes is part of it.
func parseOptions(text string) mountOptions {
	var o mountOptions
	var data []string
	known := options()
	for _, w := range splitOptions(text) {
		opt, ok := known[w]
		switch {
		case w == "" || strings.HasPrefix(w, "x-") || strings.HasPrefix(w, "comment="):
		case !ok:
			data = append(data, w)
		default:
			o.flags = o.flags&^opt.clear | opt.set
			if opt.share != 0 {
				o.share = opt.share
			}
		}
	}
	o.data = strings.Join(data, ",")
	return o
}

func splitOptions(text string) []string {
	quoted := false
	return strings.FieldsFunc(text, func(r rune) bool {
		quoted = quoted != (r == '"')
		return r == ',' && !quoted
	})
}

// MountCalls is what mount(2) is told of an options string: the flags of the first call, those of a second one, which
// a bind mount needs for them, how the mount is shared, and what the file system is told.
func MountCalls(options string) (flags, again, share uintptr, data string) {
	o := parseOptions(options)
	if o.flags&unix.MS_BIND == 0 || o.flags&unix.MS_REMOUNT != 0 {
		return o.flags, 0, o.share, o.data
	}
	first, rest := o.bind()
	return first, rest, o.share, o.data
}

// bind are the flags of the two calls that make a bind mount; it takes its flags only in the second one.
func (o mountOptions) bind() (first, rest uintptr) {
	rest = o.flags &^ (unix.MS_BIND | unix.MS_REC | unix.MS_SILENT)
	if rest != 0 {
		rest |= unix.MS_BIND | unix.MS_REMOUNT
	}
	return o.flags & (unix.MS_BIND | unix.MS_REC), rest
}

// Mounted reports whether a mount has been made already.
func Mounted(m targets.Mount) bool { return there(m, parseOptions(m.Options)) }

// mounts makes the configured mounts in the order written.
func (u *up) mounts() {
	for _, m := range u.System.Mounts {
		if u.ctx.Err() != nil {
			return
		}
		u.fail("mount "+m.Target, u.mount(m))
	}
}

// errThere says that an earlier manager got this far.
var errThere = errors.New("mounted already")

// mount waits for the device, checks it and mounts.
func (u *up) mount(m targets.Mount) error {
	o := parseOptions(m.Options)
	if err := bounded(settingLimit, func() error { return prepare(m, o) }); err != nil {
		if errors.Is(err, errThere) {
			return nil
		}
		return err
	}
	if strings.HasPrefix(m.Source, "/dev/") && o.flags&(unix.MS_REMOUNT|unix.MS_BIND) == 0 {
		if err := await(u.ctx, m.Source, deviceLimit); err != nil {
			return err
		}
	}
	if m.Fsck {
		if err := u.check(m); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(u.ctx, mountLimit)
	defer cancel()
	err := u.Mount(ctx, m)
	if errors.Is(err, context.DeadlineExceeded) {
		err = fmt.Errorf("%w within %v", errHangs, mountLimit)
	}
	return wrap(m.Source+", "+m.Type, err)
}

// prepare looks whether there is anything to do, and makes the empty file that a bind mount of a file lies on.
func prepare(m targets.Mount, o mountOptions) error {
	if o.flags&unix.MS_REMOUNT != 0 {
		return nil
	}
	if there(m, o) {
		return errThere
	}
	if _, err := os.Stat(m.Target); err == nil || o.flags&unix.MS_BIND == 0 {
		return nil
	}
	if from, err := os.Stat(m.Source); err != nil || from.IsDir() {
		return nil
	}
	f, err := os.OpenFile(m.Target, os.O_WRONLY|os.O_CREATE, 0o644)
	if err != nil {
		return err
	}
	return f.Close()
}

// there reports whether a mount has been made already.
func there(m targets.Mount, o mountOptions) bool {
	if o.flags&unix.MS_BIND != 0 {
		from, err := os.Stat(m.Source)
		to, err2 := os.Stat(m.Target)
		return errors.Join(err, err2) == nil && os.SameFile(from, to)
	}
	for _, have := range readMounts() {
		if have.point == m.Target && have.kind == m.Type && have.source == m.Source {
			return true
		}
	}
	return false
}
