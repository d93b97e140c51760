package inspect

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/orderly-init/orderly/runtime"
	"github.com/orderly-init/orderly/targets"
)

// remark is what is wrong with a thing, "" for nothing, and what to do about it.
type remark struct {
	what, hint string
	severity   targets.Severity
}

// maxScripts is how many interpreters may be scripts themselves (execve(2)).
const maxScripts = 4

// program looks whether a command could be executed by somebody: nil is not known, and may what anybody may.
func (l *look) program(file, search string, who *runtime.Credential) remark {
	if !strings.Contains(file, "/") {
		found := l.find(file, search)
		if found == "" {
			return remark{what: strconv.Quote(file) + " is not in PATH (" + search + ")", hint: l.nearIn(file, strings.Split(search, ":"))}
		}
		file = found
	}
	return l.executable(file, search, who, 0)
}

// find is the first of that name in the directories that may be executed, else the first that is there.
func (l *look) find(file, search string) string {
	first := ""
	for _, dir := range strings.Split(search, ":") {
		if !path.IsAbs(dir) {
			continue
		}
		name := path.Join(dir, file)
		_, info, err := l.root.stat(name)
		switch {
		case err != nil:
		case info.Mode().IsRegular() && info.Mode()&0o111 != 0:
			return name
		case first == "":
			first = name
		}
	}
	return first
}

func (l *look) executable(file, search string, who *runtime.Credential, depth int) remark {
	at, info, err := l.root.stat(file)
	switch {
	case err != nil && l.later(at):
		return remark{}
	case err != nil:
		return remark{what: file + ": " + err.Error(), hint: l.elsewhere(file)}
	case info.IsDir():
		return remark{what: file + " is a directory"}
	case !info.Mode().IsRegular():
		return remark{what: file + " is not a regular file"}
	case !mayExecute(info, who):
		return remark{what: fmt.Sprintf("%s may not be executed by its user: its mode is 0%o", file, info.Mode().Perm()), hint: "chmod a+x " + file}
	case depth > maxScripts:
		return remark{what: file + ": too many scripts, each the interpreter of the other"}
	}
	return l.content(file, search, who, depth)
}

// mayExecute looks at the mode as the kernel does; root needs one bit of any.
func mayExecute(info fs.FileInfo, who *runtime.Credential) bool {
	mode := info.Mode().Perm()
	owner, known := info.Sys().(*syscall.Stat_t)
	switch {
	case who == nil || !known || who.UID == 0:
		return mode&0o111 != 0
	case who.UID == owner.Uid:
		return mode&0o100 != 0
	case who.GID == owner.Gid || slices.Contains(who.Groups, owner.Gid):
		return mode&0o010 != 0
	}
	return mode&0o001 != 0
}

// content looks at the beginning of a program: a script's interpreter, or the loader and processor of an ELF file.
func (l *look) content(file, search string, who *runtime.Credential, depth int) remark {
	f, err := l.root.open(file)
	if err != nil {
		return remark{} // it may be executed without being readable
	}
	defer f.Close()
	head := make([]byte, 256) // BINPRM_BUF_SIZE: no more of it counts
	n, _ := f.ReadAt(head, 0)
	if interpreter, argument, ok := parseScript(string(head[:n])); ok {
		return l.script(file, interpreter, argument, search, who, depth)
	}
	img, ok := parseELF(f)
	switch {
	case !ok:
		return remark{what: file + " is neither a program nor a script", hint: "a script begins with #! and its interpreter", severity: targets.Notice}
	case !runs(l.machine, img.machine):
		return remark{
			what: file + " is for " + machineName(img.machine) + " processors, and this is " + machineName(l.machine), severity: targets.Notice,
		}
	case img.loader == "":
		return remark{}
	}
	if at, _, err := l.root.stat(img.loader); err != nil && !l.later(at) {
		return remark{what: file + ": its loader " + img.loader + ": " + err.Error(), hint: "it is linked for another C library"}
	}
	return remark{}
}

func (l *look) script(file, interpreter, argument, search string, who *runtime.Credential, depth int) remark {
	if !path.IsAbs(interpreter) {
		return remark{what: file + ": its interpreter " + strconv.Quote(interpreter) + " is not an absolute path"}
	}
	r := l.executable(interpreter, search, who, depth+1)
	if r.what == "" && path.Base(interpreter) == "env" && argument != "" && !strings.ContainsAny(argument, "-= \t") {
		r = l.program(argument, search, who)
	}
	if r.what != "" {
		r.what = file + ": its interpreter " + r.what
	}
	return r
}

// parseScript finds the interpreter and its argument in the first line of a script (execve(2)).
func parseScript(head string) (interpreter, argument string, ok bool) {
	line, ok := strings.CutPrefix(head, "#!")
	if !ok {
		return "", "", false
	}
	line, _, _ = strings.Cut(line, "\n")
	interpreter, argument, _ = strings.Cut(strings.Trim(line, " \t"), " ")
	return strings.TrimSpace(interpreter), strings.TrimSpace(argument), true
}

// elsewhere hints at a program that is not where it was looked for: the same name in another directory, or one that comes close.
func (l *look) elsewhere(file string) string {
	name := path.Base(file)
	if found := l.find(name, defaultPath); found != "" {
		return "it is at " + found
	}
	return l.nearIn(name, []string{path.Dir(file)})
}

func (l *look) nearIn(name string, dirs []string) string {
	var names []string
	for _, dir := range dirs {
		names = append(names, l.root.names(dir)...)
	}
	slices.Sort(names)
	if near := targets.Nearest(name, slices.Compact(names)); len(near) > 0 {
		return "did you mean " + strconv.Quote(near[0]) + "?"
	}
	return ""
}
