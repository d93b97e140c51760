package targets

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// maxDuration bounds every duration: sums of a few with the time since boot still fit in 63 bits of nanoseconds.
const maxDuration = 10 * 365 * 24 * time.Hour

// parseDuration reads a number with a unit, such as "500ms" or "1m30s". what is "" when it is one.
func parseDuration(text string) (d time.Duration, what, hint string) {
	const form = `write a number with ns, us, ms, s, m or h, such as "500ms"`
	d, err := time.ParseDuration(text)
	switch {
	case strings.Trim(text, "+-0123456789.") == "" && text != "":
		return 0, strconv.Quote(text) + " has no unit", "write " + strconv.Quote(text+"s") + " for seconds"
	case err != nil && looksLong(text):
		return 0, strconv.Quote(text) + " is too long", "at most 87600h"
	case err != nil:
		return 0, strconv.Quote(text) + " is not a duration", form
	case strings.HasPrefix(text, "-"):
		return 0, strconv.Quote(text) + " is negative", ""
	case d > maxDuration:
		return 0, strconv.Quote(text) + " is too long", "at most 87600h"
	}
	return d, "", ""
}

// looksLong reports whether a duration that could not be parsed is one digit string with a known unit: too large.
func looksLong(text string) bool {
	unit := strings.TrimLeft(text, "0123456789.")
	return unit != text && slices.Contains([]string{"ns", "us", "ms", "s", "m", "h"}, unit)
}

// parseSize reads bytes with a unit, such as "64MiB".
func parseSize(text string) (n int64, what, hint string) {
	digits := strings.TrimRight(text, "BKMGTikb")
	scale := int64(1)
	switch text[len(digits):] {
	case "B":
	case "KiB":
		scale = 1 << 10
	case "MiB":
		scale = 1 << 20
	case "GiB":
		scale = 1 << 30
	case "TiB":
		scale = 1 << 40
	case "kB":
		scale = 1e3
	case "MB":
		scale = 1e6
	case "GB":
		scale = 1e9
	default:
		return 0, strconv.Quote(text) + " is not a size", `write bytes as a number, or with B, KiB, MiB, GiB, TiB, kB, MB or GB, such as "64MiB"`
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || n < 0 {
		return 0, strconv.Quote(text) + " is not a size", `write a whole number with a unit, such as "64MiB"`
	}
	if n > math.MaxInt64/scale {
		return 0, strconv.Quote(text) + " is too large", ""
	}
	return n * scale, "", ""
}

// parseOctal reads permission bits, such as "0022".
func parseOctal(text string) (bits uint32, what, hint string) {
	n, err := strconv.ParseUint(strings.TrimPrefix(text, "0o"), 8, 32)
	if err != nil {
		return 0, strconv.Quote(text) + " is not an octal number", `write digits 0 to 7, such as "0022"`
	}
	if n > 0o777 {
		return 0, strconv.Quote(text) + " is more than 0777", ""
	}
	return uint32(n), "", ""
}

// signalNames are the names of the signals 1 to 31. The numbers are the same on arm, arm64 and amd64 (signal(7)).
func signalNames() []string {
	return strings.Fields("HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT " +
		"CHLD CONT STOP TSTP TTIN TTOU URG XCPU XFSZ VTALRM PROF WINCH IO PWR SYS")
}

// The real-time signals as programs know them: glibc keeps the first two for itself (signal(7)).
const (
	rtMin = 34
	rtMax = 64
)

// parseSignal reads a name with or without SIG, RTMIN+N, RTMAX-N or a number.
func parseSignal(text string) (n int, what, hint string) {
	name := strings.TrimPrefix(text, "SIG")
	if i := slices.Index(signalNames(), name); i >= 0 {
		return i + 1, "", ""
	}
	if rest, ok := strings.CutPrefix(name, "RTMIN"); ok {
		return parseRealTime(text, rest, '+', rtMin)
	}
	if rest, ok := strings.CutPrefix(name, "RTMAX"); ok {
		return parseRealTime(text, rest, '-', rtMax)
	}
	if n, err := strconv.Atoi(text); err == nil {
		return signalNumber(int64(n))
	}
	hint = meant(strings.ToUpper(name), signalNames())
	if hint == "" {
		hint = `write a name such as "TERM", "RTMIN+3", or a number`
	}
	return 0, strconv.Quote(text) + " is not a signal", hint
}

func parseRealTime(text, rest string, sign byte, base int) (n int, what, hint string) {
	if rest == "" {
		return base, "", ""
	}
	offset, err := strconv.ParseUint(rest[1:], 10, 8)
	if err != nil || rest[0] != sign || offset > rtMax-rtMin {
		return 0, strconv.Quote(text) + " is not a signal", `write "RTMIN+0" to "RTMIN+30"`
	}
	if sign == '-' {
		return base - int(offset), "", ""
	}
	return base + int(offset), "", ""
}

// signalNumber checks a number; 32 and 33 are kept by the C library.
func signalNumber(n int64) (int, string, string) {
	if n < 1 || n > rtMax || n == 32 || n == 33 {
		return 0, strconv.FormatInt(n, 10) + " is not a signal", "signals are 1 to 31 and 34 to 64"
	}
	return int(n), "", ""
}
