package manager

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/runtime"
	"github.com/orderly-init/orderly/targets"
)

// defaultPath is PATH of a component where Orderly has none itself.
const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// stepError is a start that failed before the clone: in the preparation.
type stepError struct {
	step string
	err  error
}

func (e *stepError) Error() string { return e.step + ": " + e.err.Error() }

// work is what a process is to do: a program with its arguments, a built-in action, or some that are made already.
type work struct {
	argv, action []string
	actions      []runtime.Action
	outside      bool // of a container: before it is there
}

// spec makes the Spec of some work of a component: what is the same for its main process and its commands.
func (m *Manager) spec(u *unit, w work, run uint32) (runtime.Spec, error) {
	def := u.def
	umask := int(def.Umask)
	s := runtime.Spec{Dir: def.WorkingDirectory, Umask: &umask}
	if err := m.program(&s, def, w, run); err != nil {
		return runtime.Spec{}, err
	}
	if s.Dir == "" {
		s.Dir = "/"
	}
	if err := m.attributes(u, &s); err != nil {
		return s, err
	}
	if furnished(def) {
		return s, nil // its root knows its users
	}
	if def.User != "" || def.Group != "" || def.SupplementaryGroups != nil {
		c, err := runtime.Lookup(runtime.Account{User: userOf(def), Group: def.Group, Supplementary: def.SupplementaryGroups})
		if err != nil {
			return runtime.Spec{}, &stepError{"user", err}
		}
		s.Credential = &c
	}
	return s, nil
}

// program fills in what is executed.
func (m *Manager) program(s *runtime.Spec, def *targets.Component, w work, run uint32) (err error) {
	if def.Boot != nil {
		return nil // there is none
	}
	if w.action != nil {
		s.Actions, err = builtin(w.action)
		return err
	}
	if s.Actions = w.actions; w.actions != nil {
		return nil
	}
	if s.Env, err = m.environment(def, run); err != nil {
		return err
	}
	if bundled(def) && w.outside {
		s.Env = lastWins(append([]string{"PATH=" + m.path}, s.Env...))
	}
	s.Args = w.argv
	if bundled(def) && len(w.argv) == 0 {
		return nil // it says what is executed
	}
	if furnished(def) && !w.outside {
		s.Path = w.argv[0] // is looked for in the root
		return nil
	}
	if s.Path, err = runtime.LookPath(w.argv[0], lookup(s.Env, "PATH")); err != nil {
		return &stepError{"exec " + w.argv[0], rootCause(err)}
	}
	return nil
}

// userOf is whose account is looked up: a group alone leaves the user who Orderly is.
func userOf(def *targets.Component) string {
	if def.User != "" {
		return def.User
	}
	return strconv.Itoa(os.Geteuid())
}

// environment is exactly what is declared, PATH and who one is. Later ones win: what is passed on, files, the table.
func (m *Manager) environment(def *targets.Component, run uint32) ([]string, error) {
	env := []string{"PATH=" + m.path}
	switch {
	case bundled(def):
		env = nil // it says its own
	case def.Container != nil: // ours is of the machine's root
		env[0] = "PATH=" + defaultPath
	}
	for _, name := range def.PassEnvironment {
		if v, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+v)
		}
	}
	for _, f := range def.EnvironmentFiles {
		more, err := environmentFile(f)
		if err != nil {
			return nil, &stepError{"environment file " + f.Path, rootCause(err)}
		}
		env = append(env, more...)
	}
	for _, s := range def.Environment {
		env = append(env, s.Key+"="+s.Value)
	}
	if def.Detached {
		return lastWins(env), nil // it is to be nobody's
	}
	env = append(env, "ORDERLY_COMPONENT="+def.Name, "ORDERLY_RUN="+strconv.FormatUint(uint64(run), 10))
	return lastWins(env), nil
}

// lastWins keeps the last of several values of one name, in the order of the first.
func lastWins(env []string) []string {
	at := make(map[string]int, len(env))
	out := env[:0]
	for _, e := range env {
		name, _, _ := strings.Cut(e, "=")
		if i, ok := at[name]; ok {
			out[i] = e
			continue
		}
		at[name] = len(out)
		out = append(out, e)
	}
	return out
}

func lookup(env []string, name string) string {
	for _, e := range env {
		if v, ok := strings.CutPrefix(e, name+"="); ok {
			return v
		}
	}
	return ""
}

// maxEnvironmentFile bounds an environment file in bytes.
const maxEnvironmentFile = 1 << 20

// environmentFile reads lines of NAME=value. Empty lines and those that begin with # or ; are left out; a value in
// matching quotes loses them.
func environmentFile(f targets.EnvironmentFile) ([]string, error) {
	fd, err := unix.Open(f.Path, unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if errors.Is(err, fs.ErrNotExist) && f.Optional {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	file := os.NewFile(uintptr(fd), f.Path)
	defer file.Close()
	if st, err := file.Stat(); err != nil || !st.Mode().IsRegular() || st.Size() > maxEnvironmentFile {
		return nil, errors.Join(err, errors.New("not a regular file of at most 1 MiB"))
	}
	var env []string
	in := bufio.NewScanner(file)
	in.Buffer(nil, maxEnvironmentFile)
	for n := 1; in.Scan(); n++ {
		e, err := environmentLine(in.Text())
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		if e != "" {
			env = append(env, e)
		}
	}
	return env, in.Err()
}

func environmentLine(line string) (string, error) {
	line = strings.TrimSpace(line)
	if line == "" || line[0] == '#' || line[0] == ';' {
		return "", nil
	}
	name, value, ok := strings.Cut(line, "=")
	name, value = strings.TrimSpace(name), strings.TrimSpace(value)
	if !ok || name == "" || strings.ContainsAny(name, " \t\x00") || strings.Contains(value, "\x00") {
		return "", errors.New("not NAME=value")
	}
	if n := len(value); n >= 2 && value[0] == value[n-1] && (value[0] == '"' || value[0] == '\'') {
		value = value[1 : n-1]
	}
	return name + "=" + value, nil
}

// rootCause takes the words of a *PathError away where the step names the path already.
func rootCause(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	var errno unix.Errno
	if errors.As(err, &errno) {
		return errno
	}
	return err
}

// open opens what an output or input setting names; fd is -1 for "log" and "null", and the caller closes what is
// in close.
func (m *Manager) open(setting string, write bool) (fd int, closing bool, err error) {
	if name, ok := targets.PipeName(setting); ok {
		fd, err = m.pipeEnd(name, write)
		return fd, err == nil, err
	}
	switch {
	case setting == "console":
		return m.console, false, nil
	case setting == "inherit":
		return 1, false, nil
	case strings.HasPrefix(setting, "file:"):
		flags := unix.O_RDONLY
		if write {
			flags = unix.O_WRONLY | unix.O_APPEND | unix.O_CREAT
		}
		// not to be held up by a fifo that nobody reads or a line without carrier
		fd, err := unix.Open(setting[len("file:"):], flags|unix.O_CLOEXEC|unix.O_NOCTTY|unix.O_NONBLOCK, 0o640)
		if err != nil {
			return -1, false, &stepError{"open " + setting[len("file:"):], err}
		}
		unix.SetNonblock(fd, false)
		return fd, true, nil
	}
	return -1, false, nil
}
