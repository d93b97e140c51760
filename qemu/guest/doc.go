// Package guest runs one emulated ARM machine and speaks with it. It owns the QEMU process and the channels into the
// machine; what runs inside it does not know.
//
//	test ─┬─ Expect, Send ──── serial console ─── the kernel, PID 1, a shell
//	      ├─ Run, Follow ───── virtio port ────── agent ─── programs
//	      ├─ Address ───────── forwarded port ─── ssh, http
//	      └─ PowerButton ───── QMP ────────────── the machine
//
// The machine has no way to any network: forwarded ports lead in, nothing leads out. Each has one processor, and at
// most two run at once on a host, over all test processes. It is killed when the test ends or the process dies.
package guest
