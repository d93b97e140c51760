package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/orderly-init/orderly/conformance/oracle"
	"github.com/orderly-init/orderly/control"
)

// asks calls the control socket of a keeper's manager again and again, until its own input ends. It prints how long each answer took in
// nanoseconds, without what it and the manager waited for a processor, and when it began, or that the call failed. A call that one
// manager takes and another answers says nothing.
func asks(socket, keeper string) {
	go func() {
		os.Stdin.Read(make([]byte, 1))
		os.Exit(0)
	}()
	var c *control.Client
	manager := ""
	for ; ; time.Sleep(25 * time.Millisecond) {
		if c == nil {
			var err error
			if c, err = control.Dial(socket); err != nil {
				fmt.Println("failed")
				continue
			}
		}
		if !isManager(manager) {
			manager = managerOf(keeper)
		}
		began, begin, waited := oracle.Monotonic(), time.Now(), delay(manager)+delay("/proc/self")
		var reply json.RawMessage
		if err := c.Call("GetStatus", control.NameParam{}, &reply); err != nil {
			fmt.Println("failed")
			c.Close()
			c = nil
			continue
		}
		took := time.Since(begin) - (delay(manager) + delay("/proc/self") - waited)
		if isManager(manager) || managerOf(keeper) == manager { // none before and none now: who answers is no manager
			fmt.Println(int64(took), began)
		}
	}
}

// managerOf is the folder of the manager among a keeper's children.
func managerOf(keeper string) string {
	files, _ := filepath.Glob("/proc/" + keeper + "/task/*/children")
	for _, f := range files {
		b, _ := os.ReadFile(f)
		for pid := range strings.FieldsSeq(string(b)) {
			if isManager("/proc/" + pid) {
				return "/proc/" + pid
			}
		}
	}
	return "/proc/none"
}

// isManager says whether a process is one. Those on their way to a component look like it, but have one thread.
func isManager(dir string) bool {
	line, _ := os.ReadFile(dir + "/cmdline")
	threads, _ := filepath.Glob(dir + "/task/*")
	return bytes.HasPrefix(line, []byte("orderly-manager\x00")) && len(threads) > 1
}

// delay is how long the threads of a process have waited for a processor so far: the second field of schedstat.
func delay(dir string) (sum time.Duration) {
	files, _ := filepath.Glob(dir + "/task/*/schedstat")
	for _, f := range files {
		var ran, waited time.Duration
		b, _ := os.ReadFile(f)
		fmt.Sscan(string(b), &ran, &waited)
		sum += waited
	}
	return sum
}
