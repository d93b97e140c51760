package targets

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// mustBe reports a value of the wrong type.
func (v value) mustBe(want, hint string) { v.fault("must be "+want+", not "+typeName(v.x), hint) }

func typeName(x any) string {
	switch x.(type) {
	case string:
		return "a string"
	case int64:
		return "a number"
	case float64:
		return "a number with a fraction"
	case bool:
		return "true or false"
	case map[string]any:
		return "a table"
	case []any, []map[string]any:
		return "a list"
	}
	return "a date or time"
}

func (v value) table() (map[string]any, bool) {
	if v.x == nil {
		return nil, false
	}
	table, ok := v.x.(map[string]any)
	if !ok {
		v.mustBe("a table", "")
	}
	return table, ok
}

// each calls read for the elements of a list, and reports whether it is one.
func (v value) each(want string, read func(value)) bool {
	switch list := v.x.(type) {
	case []any:
		for i, x := range list {
			read(value{l: v.l, up: &v, nth: i + 1, x: x})
		}
		return true
	case []map[string]any:
		for i, x := range list {
			read(value{l: v.l, up: &v, nth: i + 1, x: x})
		}
		return true
	}
	hint := ""
	if text, ok := v.x.(string); ok {
		hint = "write " + asList(text)
	}
	v.mustBe(want, hint)
	return false
}

// asList is how the words of a string are written as a list.
func asList(text string) string {
	words := strings.Fields(text)
	for i := range words {
		words[i] = strconv.Quote(words[i])
	}
	return "[" + strings.Join(words, ", ") + "]"
}

// string reads any string. No NUL: every string ends up in the kernel, where NUL ends it.
func (v value) string() (string, bool) {
	text, ok := v.x.(string)
	if !ok {
		hint := ""
		switch v.x.(type) {
		case int64, float64, bool:
			hint = fmt.Sprintf(`write "%v"`, v.x)
		}
		v.mustBe("a string", hint)
		return "", false
	}
	if strings.IndexByte(text, 0) >= 0 {
		v.fault("contains a NUL character", "")
		return "", false
	}
	return text, true
}

func (v value) text(to *string) {
	if text, ok := v.string(); ok {
		*to = text
	}
}

// parsed reads a string through one of the parse functions of units.go.
func parsed[T any](v value, to *T, parse func(string) (T, string, string)) bool {
	text, ok := v.string()
	if !ok {
		return false
	}
	x, what, hint := parse(text)
	if what != "" {
		v.fault(what, hint)
		return false
	}
	*to = x
	return true
}

func (v value) bool(to *bool) {
	b, ok := v.x.(bool)
	if !ok {
		v.mustBe("true or false", "")
		return
	}
	*to = b
}

// negated reads true or false for a field that is true where the key says false.
func (v value) negated(to *bool) {
	is := !*to
	v.bool(&is)
	*to = !is
}

// integer reads a whole number from low to high.
func (v value) integer(low, high int64) (int64, bool) {
	n, ok := v.x.(int64)
	if !ok {
		v.mustBe("a whole number", "")
		return 0, false
	}
	if n < low || n > high {
		v.fault(fmt.Sprintf("%d is out of range", n), fmt.Sprintf("%d to %d", low, high))
		return 0, false
	}
	return n, true
}

func (v value) number(to *int, low, high int64) {
	if n, ok := v.integer(low, high); ok {
		*to = int(n)
	}
}

// float reads a number from low to high, with or without a fraction.
func (v value) float(to *float64, low, high float64) {
	f, ok := v.x.(float64)
	if n, whole := v.x.(int64); whole {
		f, ok = float64(n), true
	}
	if !ok {
		v.mustBe("a number", "")
		return
	}
	if math.IsNaN(f) || f < low || f > high {
		v.fault(fmt.Sprintf("%v is out of range", f), fmt.Sprintf("%v to %v", low, high))
		return
	}
	*to = f
}

// duration reads a time of at least low.
func (v value) duration(to *time.Duration, low time.Duration) {
	switch v.x.(type) {
	case int64, float64:
		v.mustBe("a string with a unit", fmt.Sprintf(`write "%vs" for seconds`, v.x))
		return
	}
	var d time.Duration
	if !parsed(v, &d, parseDuration) {
		return
	}
	if d < low {
		v.fault(fmt.Sprintf("%v is too short", d), fmt.Sprintf("at least %v", low))
		return
	}
	*to = d
}

// size reads bytes, as a number or with a unit.
func (v value) size(to *int64, low int64) {
	n, ok := v.x.(int64)
	if _, isText := v.x.(string); !ok && !isText {
		v.mustBe(`a size such as "64MiB"`, "")
		return
	}
	if !ok && !parsed(v, &n, parseSize) {
		return
	}
	if n < low {
		v.fault(fmt.Sprintf("%d bytes is too small", n), fmt.Sprintf("at least %d", low))
		return
	}
	*to = n
}

// octal reads permission bits. A plain number is refused: 22 and 0o22 look alike once decoded.
func (v value) octal(to *uint32) {
	if _, isNumber := v.x.(int64); isNumber {
		v.mustBe("a string of octal digits", `such as "0022"`)
		return
	}
	parsed(v, to, parseOctal)
}

// option is one of the words that a key takes.
type option[T any] struct {
	word string
	is   T
}

// choose reads one of some words.
func choose[T any](v value, to *T, options ...option[T]) {
	text, isText := v.x.(string)
	words := make([]string, 0, len(options))
	for _, o := range options {
		if isText && o.word == text {
			*to = o.is
			return
		}
		words = append(words, strconv.Quote(o.word))
	}
	if !isText {
		v.mustBe("one of "+strings.Join(words, ", "), "")
		return
	}
	v.fault(strconv.Quote(text)+" is not one of "+strings.Join(words, ", "), "")
}

// words is choose for keys that stay words.
func (v value) words(to *string, words ...string) {
	options := make([]option[string], 0, len(words))
	for _, w := range words {
		options = append(options, option[string]{w, w})
	}
	choose(v, to, options...)
}
