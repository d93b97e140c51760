package conformance

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/control"
)

// clients are scenarios about who talks to the control socket.
func clients() []scenario {
	return []scenario{
		{id: "N123b", story: "clients that are half open, slow, huge, dying, talk nonsense, say a byte a second, or are too many, all at once: the others are answered in time, and nothing of them is left",
			play: hostileClients, config: brief},
	}
}

// guest is one connection of a client that does not behave.
func (w *world) guest(text string) net.Conn {
	w.Helper()
	var c net.Conn
	w.await("a place to wait", func() (yes bool) {
		var err error
		c, err = net.Dial("unix", w.socket)
		if err != nil && !errors.Is(err, unix.EAGAIN) {
			w.Fatal(err)
		}
		return err == nil
	})
	c.SetDeadline(time.Now().Add(patience)) // who does not read what we say is no reason to wait
	io.WriteString(c, text)                 // who is turned away finds it closed
	return c
}

// turnedAway says whether the other side has closed a connection, without an answer.
func turnedAway(c net.Conn) bool {
	c.SetDeadline(time.Now().Add(patience))
	n, err := c.Read(make([]byte, 1))
	return n == 0 && err != nil && !os.IsTimeout(err)
}

// dribble has a client say its question a byte a second, until it is turned away.
func dribble(c net.Conn) {
	for _, b := range []byte(question) {
		if _, err := c.Write([]byte{b}); err != nil {
			return
		}
		time.Sleep(time.Second) // that is what it does
	}
}

const (
	question = `{"method":"org.orderly.Control.GetStatus","parameters":{}}` + "\x00"
	follow   = `{"method":"org.orderly.Control.Events","parameters":{"follow":true},"more":true}` + "\x00"
)

func hostileClients(w *world) {
	w.activate("all")
	var guests []net.Conn
	add := func(n int, text string) (list []net.Conn) {
		for range n {
			c := w.guest(text)
			guests, list = append(guests, c), append(list, c)
			w.component("c1") // we are answered all along
		}
		return list
	}
	half := add(20, question[:30])
	slow := add(20, "")
	var said sync.WaitGroup
	for _, c := range slow {
		said.Go(func() { dribble(c) })
	}
	add(20, "")
	add(20, follow)                         // and never read
	add(10, strings.Repeat(question, 2000)) // answers that nobody reads
	huge := append(add(3, strings.Repeat("x", control.MaxMessage+1)), add(3, `{"method":"`+strings.Repeat("y", control.MaxMessage)+"\"}\x00")...)
	nonsense := append(add(20, "GET / HTTP/1.1\r\n\r\n\x00"), add(20, "\x00\x00\x00")...)
	for range 200 {
		w.guest(question).Close()
	}
	for i, c := range append(huge, nonsense...) {
		if !turnedAway(c) {
			w.Errorf("guest %d is not turned away", i)
		}
	}
	run := w.component("c1").Run
	w.await("the components to go on", func() bool { return w.component("c1").Run > run+20 })
	many := add(300, question)
	away := 0
	for _, c := range many {
		if turnedAway(c) {
			away++
		}
	}
	if away == 0 || away == len(many) {
		w.Errorf("%d of %d are turned away", away, len(many))
	}
	for i, c := range append(half, slow...) { // at the end of the time that a message may take
		if !turnedAway(c) {
			w.Errorf("half open guest %d is not turned away", i)
		}
	}
	for _, c := range guests {
		c.Close()
	}
	said.Wait()
	w.await("room for others", func() bool { _, code := w.orderly("status"); return code == 0 })
	w.stop("c1", "c2", "c3", "c4")
	for i := 1; i <= 4; i++ {
		w.everyRun(fmt.Sprintf("c%d", i), fmt.Sprintf("exit %d", i))
	}
}
