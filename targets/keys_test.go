package targets

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// everyTable lists the keys of every table that the configuration has, by what the table is.
func everyTable() map[string][]string {
	return map[string][]string{
		"the top level": available(topFields()), "control": available(controlFields()), "log": available(logFields()),
		"system": available(systemFields()), "a mount": available(mountFields()), "component": available(componentFields()),
		"ready": available(readyFields()), "recovery": available(recoveryFields()), "output": available(outputFields()),
		"scheduling": available(schedulingFields()), "security": available(securityFields()),
		"resources": available(resourceFields()), "io_max": available(ioFields()), "pressure": available(pressureFields()),
		"landlock": available(landlockFields()), "heartbeat": available(heartbeatFields()),
		"start_conditions": available(startConditionFields()), "seccomp": available(filterFields()), "limits": available(limitFields()),
		"container": available(containerFields()), "a mount of a container": available(volumeFields()), "share": available(shareFields()), "boot": available(bootFields()),
		"network": available(networkFields()), "bandwidth": available(bandwidthFields()),
		"watchdog": available(watchdogFields()), "target": available(targetFields()), "target.recovery": available(targetRecoveryFields()),
	}
}

// TestEveryKeyIsDocumented: a key that the checker takes and the documentation does not name would be found by chance.
func TestEveryKeyIsDocumented(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	for table, keys := range everyTable() {
		for _, key := range keys {
			named := "`" + key + "`|[.\\[]" + key + "[.\\]]|### " + key
			if !regexp.MustCompile(named).Match(text) {
				t.Errorf("%s: `%s` is not in docs/configuration.md", table, key)
			}
		}
	}
}

// TestEveryKeyIsRefused: for every key there is a value that is refused, with what the checker says of it.
func TestEveryKeyIsRefused(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/load/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no scripts", err)
	}
	var said strings.Builder
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		_, want, _ := strings.Cut(string(text), "-- want --\n")
		said.WriteString(want)
	}
	for table, keys := range everyTable() {
		for _, key := range keys {
			if !regexp.MustCompile(`(?m)[ .]` + regexp.QuoteMeta(key) + `(\[\d+\]|\.[^ ]+)?: `).MatchString(said.String()) {
				t.Errorf("%s: no bad value of %s is tried in testdata/load", table, key)
			}
		}
	}
}
