package manager

import (
	"slices"
	"strings"

	"github.com/orderly-init/orderly/init/keeper"
)

// remark keeps a line for status that every later manager shows too: what only the one that found it can know. The
// keeper holds them.
func (m *Manager) remark(lines ...string) {
	for _, l := range lines {
		if !slices.Contains(m.lasting, l) { // a manager that died early may have found it already
			m.lasting = append(m.lasting, l)
		}
	}
	m.holdRemarks()
}

// unremark takes one back that does not hold any more.
func (m *Manager) unremark(line string) {
	n := len(m.lasting)
	m.lasting = slices.DeleteFunc(m.lasting, func(l string) bool { return l == line })
	if len(m.lasting) < n {
		m.holdRemarks()
	}
}

// holdRemarks has the keeper hold what is there now. One that cannot be held lasts as long as this manager.
func (m *Manager) holdRemarks() {
	if len(m.lasting) == 0 {
		_ = m.link.Send(keeper.Message{Kind: keeper.Drop, Tags: []keeper.Tag{{Use: keeper.Remarks}}})
		return
	}
	_ = m.entrust(keeper.Remarks, []byte(strings.Join(m.lasting, "\n")))
}

// recall takes over the lines of a dead manager.
func (m *Manager) recall(fd int) {
	if fd < 0 {
		return
	}
	if b, err := entrusted(fd); err == nil {
		m.lasting = strings.FieldsFunc(string(b), func(r rune) bool { return r == '\n' })
	}
}
