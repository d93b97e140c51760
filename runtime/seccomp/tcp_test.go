package seccomp

import (
	"slices"
	"testing"

	"github.com/orderly-init/orderly/runtime/calls"
	"golang.org/x/sys/unix"
)

// The ways past Landlock are closed whatever else a profile allows, also with
// rubbish in the upper half of an argument, and nothing beside them is.
func TestPlainTCP(t *testing.T) {
	t.Parallel()
	const rubbish, stream = 7 << 32, unix.SOCK_STREAM
	standard, err := Default(nil)
	if err != nil {
		t.Fatal(err)
	}
	profiles := map[string]Profile{
		"none": {Default: Allow}, "default": standard,
		"table": {Default: Kill, Rules: []Rule{{Names: calls.Names(), Action: Allow}}},
	}
	refused, unsupported, none := Errno(uint32(unix.EPROTONOSUPPORT)), Errno(uint32(unix.EOPNOTSUPP)), Errno(uint32(unix.ENOENT))
	for name, p := range profiles {
		p.Rules = slices.Concat(PlainTCP(), p.Rules)
		for _, a := range arches() {
			code, err := Compile(p, a)
			if err != nil {
				t.Fatal(err)
			}
			numbers := calls.Numbers(a)
			for _, row := range []struct {
				call string
				args []uint64
				want Action
			}{
				{"socket", []uint64{unix.AF_INET, stream, unix.IPPROTO_MPTCP}, refused},
				{"socket", []uint64{unix.AF_INET6, stream, unix.IPPROTO_MPTCP}, refused},
				{"socket", []uint64{rubbish | unix.AF_INET, stream, rubbish | unix.IPPROTO_MPTCP}, refused},
				{"socket", []uint64{unix.AF_INET, stream, unix.IPPROTO_SMC}, refused},
				{"socket", []uint64{unix.AF_INET6, stream, unix.IPPROTO_SMC}, refused},
				{"socket", []uint64{unix.AF_SMC, stream, 0}, Errno(uint32(unix.EAFNOSUPPORT))},
				{"socket", []uint64{rubbish | unix.AF_SMC, stream, 1}, Errno(uint32(unix.EAFNOSUPPORT))},
				{"socket", []uint64{unix.AF_INET, stream, 0}, Allow},
				{"socket", []uint64{unix.AF_INET6, stream, unix.IPPROTO_TCP}, Allow},
				{"socket", []uint64{unix.AF_INET, unix.SOCK_DGRAM, unix.IPPROTO_UDP}, Allow},
				{"socket", []uint64{unix.AF_UNIX, stream, unix.IPPROTO_MPTCP}, Allow},
				{"socket", []uint64{unix.AF_NETLINK, unix.SOCK_RAW, 0}, Allow},
				{"setsockopt", []uint64{3, unix.IPPROTO_TCP, unix.TCP_ULP}, none},
				{"setsockopt", []uint64{3, rubbish | unix.IPPROTO_TCP, rubbish | unix.TCP_ULP}, none},
				{"setsockopt", []uint64{3, unix.IPPROTO_TCP, unix.TCP_NODELAY}, Allow},
				{"setsockopt", []uint64{3, unix.SOL_SOCKET, unix.TCP_ULP}, Allow},
				{"sendto", []uint64{3, 0, 0, unix.MSG_FASTOPEN | unix.MSG_NOSIGNAL}, unsupported},
				{"sendto", []uint64{3, 0, unix.MSG_FASTOPEN, unix.MSG_NOSIGNAL}, Allow},
				{"sendmsg", []uint64{3, 0, unix.MSG_FASTOPEN}, unsupported},
				{"sendmsg", []uint64{3, 0, unix.MSG_NOSIGNAL, unix.MSG_FASTOPEN}, Allow},
				{"sendmmsg", []uint64{3, 0, 1, unix.MSG_FASTOPEN}, unsupported},
				{"sendmmsg", []uint64{3, 0, unix.MSG_FASTOPEN, 0}, Allow},
				{"io_uring_setup", nil, Errno(uint32(unix.ENOSYS))},
				{"bind", nil, Allow},
				{"execve", nil, Allow},
			} {
				if got := judge(t, code, auditArch(a), numbers[row.call], row.args...); got != row.want {
					t.Errorf("%s, %d: %s %#x: got %#x, want %#x", name, a, row.call, row.args, got, row.want)
				}
			}
		}
	}
}
