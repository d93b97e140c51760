package ready

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"time"
)

// Get asks a web server for a path and returns the status code of the answer, of which it reads the first line only (RFC 9112,
// section 4). It waits, at most until the limit or the end of ctx, so it is not for the loop.
func Get(ctx context.Context, address, path string, limit time.Duration) (code int, err error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	var d net.Dialer
	c, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return 0, err
	}
	defer c.Close()
	defer context.AfterFunc(ctx, func() { c.SetDeadline(time.Unix(1, 0)) })()
	request := "GET " + path + " HTTP/1.1\r\nHost: " + address + "\r\nUser-Agent: orderly\r\nAccept: */*\r\nConnection: close\r\n\r\n"
	if _, err := io.WriteString(c, request); err != nil {
		return 0, err
	}
	line := make([]byte, 0, maxStatusLine)
	for !bytes.ContainsRune(line, '\n') && len(line) < cap(line) {
		n, err := c.Read(line[len(line):cap(line)])
		line = line[:len(line)+n]
		if err != nil && n == 0 {
			return 0, fmt.Errorf("answer: %w", err)
		}
	}
	return statusCode(line)
}

// maxStatusLine bounds what is read of an answer.
const maxStatusLine = 256

var errNotHTTP = errors.New("the answer is not that of a web server")

// statusCode reads HTTP/1.1 200 OK.
func statusCode(line []byte) (int, error) {
	rest, ok := bytes.CutPrefix(line, []byte("HTTP/1."))
	if !ok || len(rest) < 5 || rest[1] != ' ' || len(rest) > 5 && rest[5] != ' ' && rest[5] != '\r' && rest[5] != '\n' {
		return 0, errNotHTTP
	}
	code := 0
	for _, c := range rest[2:5] {
		if c < '0' || c > '9' {
			return 0, errNotHTTP
		}
		code = 10*code + int(c-'0')
	}
	return code, nil
}
