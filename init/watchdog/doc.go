// Package watchdog is the kernel's watchdog device: opening, time-out, feeding, disarming, and what sysfs says of it
// (Documentation/watchdog/watchdog-api.rst).
//
//	open ─► armed ─► Feed … Feed ─► Disarm ("V", close) ─► off, unless the driver was built with nowayout
//	          │                └──► never again: the machine is reset after the time-out
//	          └─ SetTimeout: in seconds; the driver answers with the one that it took
//
// Opening arms: there is no way to look at an unarmed device through it. It must not know why it is fed.
package watchdog
