package control

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// serve runs a server with a few methods and returns the path of its socket.
func serve(t *testing.T, allow func(Peer, Access) bool) (path string, denied chan string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "c")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	denied = make(chan string, 100)
	s := &Server{
		Allow: allow,
		Audit: func(p Peer, method string) { denied <- fmt.Sprintf("%d %s", p.PID, method) },
		Methods: map[string]Method{
			"Why": {Look, func(_ context.Context, c Call) (any, error) {
				var p NameParam
				if err := c.Bind(&p); err != nil {
					return nil, err
				}
				return WhyReply{Causes: []string{p.Name}}, nil
			}},
			"Stop":  {Alter, func(context.Context, Call) (any, error) { return nil, Refused([]string{"b"}, "no component a") }},
			"Start": {Look, func(context.Context, Call) (any, error) { return nil, errors.New("boom") }},
			"Events": {Look, func(ctx context.Context, c Call) (any, error) {
				for i := range uint64(3) {
					if err := c.Send(EventsReply{Event: Event{Seq: i}}); err != nil {
						return nil, err
					}
				}
				return EventsReply{Event: Event{Seq: 3}}, nil
			}},
			"Wait": {Look, func(ctx context.Context, _ Call) (any, error) { <-ctx.Done(); return nil, ctx.Err() }},
			"Log": {Look, func(ctx context.Context, c Call) (any, error) {
				for ctx.Err() == nil {
					if err := c.Send(LogReply{Line: LogLine{Text: strings.Repeat("x", 1<<16)}}); err != nil {
						return nil, err
					}
				}
				return nil, ctx.Err()
			}},
		},
	}
	done := make(chan struct{})
	go func() { defer close(done); s.Serve(l) }()
	t.Cleanup(func() { l.Close(); <-done; s.Close() })
	return path, denied
}

func everybody(Peer, Access) bool { return true }

func dial(t *testing.T, path string) *Client {
	t.Helper()
	c, err := Dial(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func TestCalls(t *testing.T) {
	t.Parallel()
	path, _ := serve(t, everybody)
	c := dial(t, path)
	var why WhyReply
	if err := c.Call("Why", NameParam{"x"}, &why); err != nil || why.Causes[0] != "x" {
		t.Errorf("%v, %v", why, err)
	}
	for method, want := range map[string]string{
		"Stop": "no component a; did you mean b?", "Start": "boom", "Nothing": `MethodNotFound {"method":"Nothing"}`,
	} {
		if err := c.Call(method, Empty{}, &why); err == nil || err.Error() != want {
			t.Errorf("%s: %v; want %s", method, err, want)
		}
	}
	var seqs []uint64
	if err := c.Stream("Events", Empty{}, func(b json.RawMessage, last bool) error {
		var r EventsReply
		err := json.Unmarshal(b, &r)
		seqs = append(seqs, r.Event.Seq)
		return err
	}); err != nil {
		t.Error(err)
	}
	if d := cmp.Diff([]uint64{0, 1, 2, 3}, seqs); d != "" {
		t.Error(d)
	}
}

func TestWrongParameters(t *testing.T) {
	t.Parallel()
	path, _ := serve(t, everybody)
	c := dial(t, path)
	err := c.Call("Why", map[string]int{"name": 3}, &WhyReply{})
	var e *Error
	if !errors.As(err, &e) || e.Name != "org.varlink.service.InvalidParameter" {
		t.Errorf("%v", err)
	}
}

func TestDenied(t *testing.T) {
	t.Parallel()
	path, denied := serve(t, func(p Peer, a Access) bool { return p.UID == os.Getuid() && p.PID == os.Getpid() && a == Look })
	c := dial(t, path)
	if err := c.Call("Why", NameParam{"x"}, &WhyReply{}); err != nil {
		t.Error(err)
	}
	err := c.Call("Stop", Empty{}, &Empty{})
	var e *Error
	if !errors.As(err, &e) || e.Name != Interface+".Denied" {
		t.Errorf("%v", err)
	}
	if got, want := <-denied, fmt.Sprintf("%d Stop", os.Getpid()); got != want {
		t.Errorf("audit: %s; want %s", got, want)
	}
}

// exchange writes raw bytes and reads one message.
func exchange(t *testing.T, path, raw string) (string, error) {
	t.Helper()
	c, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := c.Write([]byte(raw)); err != nil {
		return "", err
	}
	s, err := bufio.NewReader(c).ReadString(0)
	return strings.TrimSuffix(s, "\x00"), err
}

func TestVarlinkItself(t *testing.T) {
	t.Parallel()
	path, _ := serve(t, everybody)
	for raw, want := range map[string]string{
		`{"method":"org.varlink.service.GetInfo"}`: `"interfaces":["org.varlink.service","org.orderly.Control"]`,
		`{"method":"org.varlink.service.GetInterfaceDescription","parameters":{"interface":"org.orderly.Control"}}`: `method Activate(`,
		`{"method":"org.varlink.service.GetInterfaceDescription","parameters":{"interface":"org.varlink.service"}}`: `method GetInfo(`,
		`{"method":"org.varlink.service.GetInterfaceDescription","parameters":{"interface":"org.nothing"}}`:         `"error":"org.varlink.service.InterfaceNotFound"`,
		`{"method":"org.nothing.Do"}`: `"error":"org.varlink.service.InterfaceNotFound"`,
		`{"method":"nodots"}`:         `"error":"org.varlink.service.InterfaceNotFound"`,
		`{"method":"org.orderly.Control.Why","parameters":{"name":"x"}}`:         `{"parameters":{"causes":["x"]}}`,
		`{"method":"org.orderly.Control.Why","parameters":{"name":"x"},"x":[1]}`: `{"parameters":{"causes":["x"]}}`,
	} {
		got, err := exchange(t, path, raw+"\x00")
		if err != nil || !strings.Contains(got, want) {
			t.Errorf("%s: %s, %v; want %s", raw, got, err, want)
		}
	}
}

// What is no message ends the connection, and nothing else.
func TestHostile(t *testing.T) {
	t.Parallel()
	path, _ := serve(t, everybody)
	for name, raw := range map[string]string{
		"no JSON": "hello\x00", "empty": "\x00", "array": "[]\x00", "no method": "{}\x00", "too long": strings.Repeat(" ", MaxMessage+1) + "\x00",
	} {
		if got, err := exchange(t, path, raw); err == nil {
			t.Errorf("%s: answered %q", name, got)
		}
	}
	if err := dial(t, path).Call("Why", NameParam{"x"}, &WhyReply{}); err != nil {
		t.Error(err)
	}
}

// A client that asks and never reads does not hold up another, and is not waited for at the end (Cleanup).
func TestSlowReader(t *testing.T) {
	t.Parallel()
	path, _ := serve(t, everybody)
	slow := dial(t, path)
	if err := slow.send("Log", Empty{}, true); err != nil {
		t.Fatal(err)
	}
	if err := dial(t, path).Call("Why", NameParam{"x"}, &WhyReply{}); err != nil {
		t.Error(err)
	}
}

// A client that goes away ends its own call.
func TestGone(t *testing.T) {
	t.Parallel()
	ended := make(chan struct{})
	path := filepath.Join(t.TempDir(), "c")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	began := make(chan struct{})
	s := &Server{Allow: everybody, Methods: map[string]Method{"Wait": {Look, func(ctx context.Context, _ Call) (any, error) {
		close(began)
		<-ctx.Done()
		close(ended)
		return nil, ctx.Err()
	}}}}
	go s.Serve(l)
	defer s.Close()
	defer l.Close()
	c := dial(t, path)
	if err := c.send("Wait", Empty{}, false); err != nil {
		t.Fatal(err)
	}
	<-began
	c.Close()
	select {
	case <-ended:
	case <-time.After(10 * time.Second):
		t.Fatal("the call goes on after its client has gone")
	}
}

func TestTooManyClients(t *testing.T) {
	t.Parallel()
	s := &Server{clients: map[*net.UnixConn]int{}}
	in := func(uid int) int {
		n := 0
		for range 4 * maxClients {
			if s.enter(new(net.UnixConn), uid) {
				n++
			}
		}
		return n
	}
	if n := in(1000); n != maxPerUser {
		t.Errorf("one user has %d connections; want %d", n, maxPerUser)
	}
	in(1001)
	in(1002)
	if n := in(1003); n != 0 {
		t.Errorf("a fourth user has %d connections over the limit of all", n)
	}
	if n := in(0); n != maxClients {
		t.Errorf("root has %d connections when users have taken theirs; want %d", n, maxClients)
	}
}

// The interface definition says what the Go types say: fields in order, types, and which may be null.
func TestDefinitionMatchesTypes(t *testing.T) {
	t.Parallel()
	types := map[string]any{
		"Status": Status{}, "Component": Component{}, "Waited": Waited{}, "Statistics": Statistics{}, "CPUStatistics": CPUStatistics{}, "MemoryStatistics": MemoryStatistics{},
		"Inside": Inside{}, "PidsStatistics": PidsStatistics{}, "DeviceStatistics": DeviceStatistics{}, "Pressure": Pressure{}, "Usage": Usage{}, "Exit": Exit{}, "Detail": Detail{}, "Pair": Pair{}, "Entry": Entry{},
		"Result": Result{}, "Failure": Failure{}, "Progress": Progress{}, "Waiting": Waiting{}, "Plan": Plan{},
		"PlanWave": PlanWave{}, "Event": Event{}, "Past": Past{}, "LogLine": LogLine{}, "Node": Node{}, "Edge": Edge{}, "Change": Change{},
	}
	methods := map[string][2]any{
		"GetStatus": {NameParam{}, StatusReply{}}, "GetUsage": {Empty{}, UsageReply{}}, "Show": {NameParam{}, ShowReply{}}, "List": {Empty{}, ListReply{}},
		"Activate": {ActivateParam{}, ActivateReply{}}, "Start": {StartParam{}, ResultReply{}}, "Adopt": {AdoptParam{}, ResultReply{}}, "Release": {NamesParam{}, ResultReply{}}, "Stop": {NamesParam{}, ResultReply{}},
		"Restart": {NamesParam{}, ResultReply{}}, "Reload": {NamesParam{}, ResultReply{}}, "Wait": {WaitParam{}, WaitReply{}},
		"Plan": {TargetParam{}, PlanReply{}}, "Enter": {NameParam{}, EnterReply{}}, "Why": {NameParam{}, WhyReply{}}, "Graph": {TargetParam{}, GraphReply{}},
		"Log": {LogParam{}, LogReply{}}, "Events": {EventsParam{}, EventsReply{}}, "History": {NameParam{}, HistoryReply{}},
		"Apply": {ApplyParam{}, ApplyReply{}}, "Confirm": {Empty{}, Empty{}}, "Upgrade": {UpgradeParam{}, Empty{}}, "End": {EndParam{}, Empty{}},
	}
	text := regexp.MustCompile(`(?m)^#.*$|\s+`).ReplaceAllString(Definition, "")
	want := "interface" + Interface
	for _, m := range regexp.MustCompile(`type([A-Z]\w*)\(([^)]*)\)`).FindAllStringSubmatch(text, -1) {
		v, ok := types[m[1]]
		if !ok {
			t.Errorf("type %s has no Go type", m[1])
			continue
		}
		if d := cmp.Diff(fields(v), m[2]); d != "" {
			t.Errorf("type %s: %s", m[1], d)
		}
		delete(types, m[1])
	}
	for _, m := range regexp.MustCompile(`method([A-Z]\w*)\(([^)]*)\)->\(([^)]*)\)`).FindAllStringSubmatch(text, -1) {
		v, ok := methods[m[1]]
		if !ok {
			t.Errorf("method %s has no Go types", m[1])
			continue
		}
		if d := cmp.Diff(fields(v[0])+" -> "+fields(v[1]), m[2]+" -> "+m[3]); d != "" {
			t.Errorf("method %s: %s", m[1], d)
		}
		delete(methods, m[1])
	}
	if len(types)+len(methods) > 0 || !strings.HasPrefix(text, want) {
		t.Errorf("not in the definition: %v %v", types, methods)
	}
}

// fields writes a struct as varlink would.
func fields(v any) string {
	var list []string
	t := reflect.TypeOf(v)
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		kind := varlinkType(t.Field(i).Type)
		if strings.Contains(t.Field(i).Tag.Get("json"), ",omitempty") && kind[0] != '?' {
			kind = "?" + kind
		}
		list = append(list, name+":"+kind)
	}
	return strings.Join(list, ",")
}

func varlinkType(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Pointer:
		return "?" + varlinkType(t.Elem())
	case reflect.Slice:
		return "[]" + varlinkType(t.Elem())
	case reflect.Struct:
		return t.Name()
	case reflect.Float64:
		return "float"
	case reflect.Bool:
		return "bool"
	case reflect.String:
		return "string"
	}
	return "int"
}

func FuzzServe(f *testing.F) {
	f.Add([]byte(`{"method":"org.orderly.Control.Why","parameters":{"name":"x"}}`))
	f.Add([]byte(`{"method":"org.varlink.service.GetInterfaceDescription","parameters":[]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		near, far := net.Pipe()
		defer far.Close()
		s := &session{
			server: &Server{Allow: everybody, Methods: map[string]Method{"Why": {Look, func(_ context.Context, c Call) (any, error) {
				var p NameParam
				return WhyReply{Causes: []string{p.Name}}, c.Bind(&p)
			}}}},
			conn: newConn(near),
		}
		go func() {
			buf := make([]byte, 4096)
			for {
				if _, err := far.Read(buf); err != nil {
					return
				}
			}
		}()
		s.serve(context.Background(), b)
		near.Close()
	})
}

func FuzzReadMessage(f *testing.F) {
	f.Add([]byte("a\x00b"))
	f.Fuzz(func(t *testing.T, b []byte) {
		in := bufio.NewReaderSize(strings.NewReader(string(b)), 16)
		total := 0
		for {
			m, err := readMessage(in)
			if err != nil {
				break
			}
			total += len(m) + 1
		}
		if total > len(b) {
			t.Fatalf("%d bytes of %d", total, len(b))
		}
	})
}

// FuzzClient: whatever answers, a client comes to an end with a reply or an error, and a stream hands over at least one reply.
func FuzzClient(f *testing.F) {
	f.Add([]byte("{\"parameters\":{\"causes\":[\"a\"]}}\x00"))
	f.Add([]byte("{\"continues\":true,\"parameters\":{}}\x00{}\x00"))
	f.Add([]byte("{\"error\":\"org.orderly.Control.Refused\",\"parameters\":{\"why\":3}}\x00"))
	f.Add([]byte("null\x00[]\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, stream := range []bool{false, true} {
			near, far := net.Pipe()
			go func() {
				defer far.Close()
				buf := make([]byte, 4096)
				_, _ = far.Read(buf)
				_, _ = far.Write(b)
			}()
			c, replies := &Client{newConn(near)}, 0
			var err error
			if stream {
				err = c.Stream("Watch", NameParam{"x"}, func(json.RawMessage, bool) error { replies++; return nil })
			} else {
				var out WhyReply
				err = c.Call("Why", NameParam{"x"}, &out)
			}
			if stream && err == nil && replies == 0 {
				t.Error("a stream without a reply")
			}
			if err != nil && err.Error() == "" {
				t.Error("an error without a word")
			}
			c.Close()
		}
	})
}
