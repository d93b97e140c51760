// Package qemu boots Orderly on emulated ARM machines. It holds nothing itself: the boot tests stand beside this
// file, the pieces they use in the folders below.
//
//	debian ──► packages and kernels of the guest's architecture, by a private apt
//	modules ─► which kernel modules a module needs, in load order
//	cpio ────► initramfs archives
//	image ───► initramfs, root disk and data disk, from the four above and `go build`
//	guest ───► one running machine: serial console, commands inside it, forwarded ports, power key
//	stage1 ──► init of the initramfs: loads the block driver, mounts the root disk, hands over to /sbin/init
//	agent ───► runs the tests' commands inside the guest, over a virtio port (wire has the messages)
//	hog ─────► uses up in the guest what limits are for; trouble makes there what goes wrong on machines
//	powercut ► what is on a disk after its power was cut
//
// It must not know Orderly's packages: tests look at the machine from outside, as an integrator does.
package qemu
