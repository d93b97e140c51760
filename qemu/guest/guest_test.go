package guest

import (
	"bufio"
	"encoding/json"
	"io"
	"net"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/orderly-init/orderly/qemu/wire"
)

const soon = 30 * time.Second

func TestExpectGoesForward(t *testing.T) {
	t.Parallel()
	r, w := io.Pipe()
	c := newConsole(nil)
	go c.read(r)
	go func() {
		for _, piece := range []string{"one ", "two 2", "2\n", "one again"} {
			_, _ = io.WriteString(w, piece)
		}
		w.Close()
	}()
	for _, step := range []struct{ pattern, group string }{{"one", ""}, {`two (\d+)\n`, "22"}, {"one again", ""}} {
		match, err := c.expect(regexp.MustCompile(step.pattern), soon)
		if err != nil {
			t.Fatal(err)
		}
		if step.group != "" && match[1] != step.group {
			t.Errorf("%s: group %q", step.pattern, match[1])
		}
	}
	if _, err := c.expect(regexp.MustCompile("one"), soon); err == nil || !strings.Contains(err.Error(), "off") {
		t.Errorf("at the end: %v", err)
	}
}

func TestExpectGivesUp(t *testing.T) {
	t.Parallel()
	if _, err := newConsole(nil).expect(regexp.MustCompile("x"), time.Nanosecond); err == nil || !strings.Contains(err.Error(), "not within") {
		t.Errorf("got %v", err)
	}
}

// Replies reach their command; when the port is lost, no command waits for ever.
func TestRepliesReachTheirCommand(t *testing.T) {
	t.Parallel()
	ours, theirs := net.Pipe()
	l := newLine(ours)
	go l.read()
	requests, replies := json.NewDecoder(theirs), json.NewEncoder(theirs)
	a, b := make(chan wire.Reply, 4), make(chan wire.Reply, 4)
	ids := make(chan int, 2)
	go func() {
		for range 2 {
			var r wire.Request
			if requests.Decode(&r) == nil {
				ids <- r.ID
			}
		}
		_ = replies.Encode(wire.Reply{})
		_ = replies.Encode(wire.Reply{ID: 2, Out: []byte("b")})
		_ = replies.Encode(wire.Reply{ID: 1, Done: true, Exit: 3})
		theirs.Close()
	}()
	for _, c := range []chan wire.Reply{a, b} {
		if _, err := l.send(wire.Request{Argv: []string{"x"}}, c); err != nil {
			t.Fatal(err)
		}
	}
	if first, second := <-ids, <-ids; first == second {
		t.Errorf("two commands have the number %d", first)
	}
	<-l.hello
	if r := <-a; !r.Done || r.Exit != 3 {
		t.Errorf("first command: %+v", r)
	}
	if r := <-b; string(r.Out) != "b" {
		t.Errorf("second command: %+v", r)
	}
	if r := <-b; !r.Done || r.Why == "" {
		t.Errorf("second command after the end: %+v", r)
	}
	if _, err := l.send(wire.Request{}, a); err == nil {
		t.Error("a lost port takes requests")
	}
}

func TestAnswersOfTheMonitor(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{"QMP": {}}` + "\n" + `{"event": "X"}` + "\n" + `{"return": {}}`: "",
		`{"error": {"class": "x", "desc": "no such command"}}`:            "no such command",
		``: "no answer",
	} {
		err := answer(bufio.NewScanner(strings.NewReader(text)))
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", text, err, want)
		}
	}
}

func TestArgumentsOfTheMachines(t *testing.T) {
	t.Parallel()
	o := Options{
		Machine: ARM, Kernel: "k", Initrd: "i", Append: []string{"rw"}, Forward: []int{80, 22}, Clock: CountSleeping,
		Disks: []Disk{{File: "r"}, {File: "d", NVMe: true, Write: true}},
	}
	args := o.arguments("/s", map[int]int{22: 1022, 80: 1080})
	for _, want := range []string{
		"virt,highmem=off", "tcg", "console=ttyAMA0 panic=-1 cryptomgr.notests loglevel=4 rw", "shift=1,sleep=on",
		"user,id=net,restrict=on,hostfwd=tcp:127.0.0.1:1022-:22,hostfwd=tcp:127.0.0.1:1080-:80",
		"if=none,id=disk0,format=raw,cache=unsafe,snapshot=on,file=r", "nvme,drive=disk1,serial=flash1",
		"if=none,id=disk1,format=raw,cache=unsafe,snapshot=off,file=d",
	} {
		if !slices.Contains(args, want) {
			t.Errorf("no %q in %q", want, args)
		}
	}
}
