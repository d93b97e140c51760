// Package boot is the kind of component that only the next boot can change: what is installed in two slots, of which the
// boot loader takes one.
//
// It owns the file that it shares with the boot loader. It must not know what is in a slot, nor how it gets there.
//
//	            NAME=value lines, as U-Boot imports them with `env import -t`
//	slot=a      what is booted while nothing is pending, and what is fallen back to
//	pending=b   what is to be tried; empty: nothing
//	tries=3     boots that are left for it
//	failed=     what used up its tries
//
//	boot loader: pending and tries > 0?  tries -= 1, boot pending.   else boot slot.   And say which: orderly.slot=b
//	try:         pending = the other slot, tries = 3                 then reboot
//	confirm:     the slot that runs is pending: slot = pending, pending is empty.
//	             the slot that runs is not, and no try is left:      failed = pending, pending is empty: reverted
//
// So a slot counts as good only when a component of this kind is started in it, after all that it depends on is ready; what
// hangs or crashes before that uses up its tries.
package boot
