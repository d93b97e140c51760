package ready

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"
)

// serve answers each connection with a text, and leaves it open.
func serve(t *testing.T, answer string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { c.Close() })
			c.Write([]byte(answer))
		}
	}()
	return l.Addr().String()
}

func TestGet(t *testing.T) {
	t.Parallel()
	for answer, want := range map[string]int{
		"HTTP/1.1 200 OK\r\n": 200, "HTTP/1.0 302 Found\r\n\r\n": 302, "HTTP/1.1 503\r\n": 503,
		"HTTP/1.1 200\n" + strings.Repeat("x", 9999): 200, "SSH-2.0-x\r\n": 0, "HTTP/1.1 2000\r\n": 0, strings.Repeat("x", 999): 0,
	} {
		code, err := Get(context.Background(), serve(t, answer), "/", 10*time.Second)
		if code != want || (err == nil) != (want != 0) {
			t.Errorf("%.20q: %d, %v; want %d", answer, code, err, want)
		}
	}
}

// One that accepts and says nothing, and one that is not there.
func TestGetEnds(t *testing.T) {
	t.Parallel()
	var late net.Error // of the connection already, on a loaded machine
	if _, err := Get(context.Background(), serve(t, ""), "/", 20*time.Millisecond); !errors.As(err, &late) || !late.Timeout() {
		t.Errorf("silent: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Get(ctx, serve(t, ""), "/", time.Minute); err == nil {
		t.Error("cancelled, and no error")
	}
}

func FuzzStatusCode(f *testing.F) {
	for _, s := range []string{"HTTP/1.1 200 OK\r\n", "HTTP/1.1 20", "HTTP/1.", "HTTP/2 200"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if code, err := statusCode(b); code < 0 || code > 999 || err != nil && code != 0 {
			t.Fatal(code, err)
		}
	})
}
