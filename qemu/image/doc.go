// Package image builds what a guest boots: kernel, initramfs, root disk and data disk. It owns the build directory,
// where everything that was fetched or built is kept and used again; one process builds at a time. No step needs root
// but the installation of missing tools on the host.
//
//	Kernel  = Debian's, extracted                          Stage1 = stage1 + block driver ─► switches to the disk
//	Root    = packages + modules + orderly + configs ─► ext4      Memory = orderly as /init + what a test adds
//	Data    = an almost empty ext4
package image
