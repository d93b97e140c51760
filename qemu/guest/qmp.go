package guest

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"time"
)

// PowerButton presses the machine's power button. Only kernels with gpio-keys see it: not the cloud ones.
func (g *Guest) PowerButton() error { return g.monitor(`{"execute": "system_powerdown"}`) }

// Keys presses keys together on the machine's keyboard, by QEMU's names, and lets them go.
func (g *Guest) Keys(names ...string) error {
	type key struct {
		Type string `json:"type"`
		Data string `json:"data"`
	}
	var keys []key
	for _, n := range names {
		keys = append(keys, key{"qcode", n})
	}
	command, err := json.Marshal(map[string]any{"execute": "send-key", "arguments": map[string]any{"keys": keys, "hold-time": 20}})
	if err != nil {
		return err
	}
	return g.monitor(string(command))
}

// Unplug takes the power away: what the guest has not written is lost.
func (g *Guest) Unplug() error { return g.monitor(`{"execute": "quit"}`) }

// monitor gives one command to QEMU (QEMU Machine Protocol Specification).
func (g *Guest) monitor(command string) error {
	conn, err := net.Dial("unix", filepath.Join(g.dir, "qmp"))
	if err != nil {
		return fmt.Errorf("connect to QEMU: %w", err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(g.patience)); err != nil {
		return err
	}
	replies := bufio.NewScanner(conn)
	for _, c := range []string{`{"execute": "qmp_capabilities"}`, command} {
		if _, err := fmt.Fprintln(conn, c); err != nil {
			return fmt.Errorf("tell QEMU %s: %w", c, err)
		}
		if err := answer(replies); err != nil {
			return fmt.Errorf("tell QEMU %s: %w", c, err)
		}
	}
	return nil
}

// answer reads up to the next answer; the greeting and events come between.
func answer(replies *bufio.Scanner) error {
	for replies.Scan() {
		var r struct {
			Return json.RawMessage
			Error  *struct{ Desc string }
		}
		if err := json.Unmarshal(replies.Bytes(), &r); err != nil {
			return err
		}
		if r.Error != nil {
			return errors.New(r.Error.Desc)
		}
		if r.Return != nil {
			return nil
		}
	}
	return errors.Join(errors.New("no answer"), replies.Err())
}
