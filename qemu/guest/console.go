package guest

import (
	"fmt"
	"io"
	"regexp"
	"strings"
	"sync"
	"time"
)

// console is the serial line: everything that came is kept, Expect goes through it from where it stopped last.
type console struct {
	mu     sync.Mutex
	text   []byte
	next   int           // where Expect goes on
	news   chan struct{} // closed when there is more
	closed bool
	echo   io.Writer // nil is none
}

func newConsole(echo io.Writer) *console { return &console{news: make(chan struct{}), echo: echo} }

// read takes in the line until it ends.
func (c *console) read(r io.Reader) {
	b := make([]byte, 4096)
	for {
		n, err := r.Read(b)
		if c.echo != nil {
			_, _ = c.echo.Write(b[:n])
		}
		c.mu.Lock()
		c.text = append(c.text, b[:n]...)
		c.closed = err != nil
		close(c.news)
		c.news = make(chan struct{})
		c.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// expect waits for a match after the last one.
func (c *console) expect(pattern *regexp.Regexp, limit time.Duration) ([]string, error) {
	late := time.NewTimer(limit)
	defer late.Stop()
	for {
		match, news, closed := c.look(pattern)
		if match != nil {
			return match, nil
		}
		if closed {
			return nil, fmt.Errorf("expect %q: the machine is off", pattern)
		}
		select {
		case <-news:
		case <-late.C:
			return nil, fmt.Errorf("expect %q: not within %v", pattern, limit)
		}
	}
}

func (c *console) look(pattern *regexp.Regexp) (match []string, news <-chan struct{}, closed bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	at := pattern.FindSubmatchIndex(c.text[c.next:])
	if at == nil {
		return nil, c.news, c.closed
	}
	rest := c.text[c.next:]
	for i := 0; i < len(at); i += 2 {
		part := ""
		if at[i] >= 0 {
			part = string(rest[at[i]:at[i+1]])
		}
		match = append(match, part)
	}
	c.next += at[1]
	return match, nil, false
}

// all is everything that came so far, with plain line ends.
func (c *console) all() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return strings.ReplaceAll(string(c.text), "\r", "")
}
