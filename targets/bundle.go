package targets

// checkBundle finds what an OCI bundle says itself.
func (v value) checkBundle(t *Container, at string) {
	if t.Bundle == "" || t.Rootfs != "" {
		return
	}
	for _, x := range []struct {
		written bool
		key     string
	}{
		{t.Namespaces != nil, "namespaces"}, {t.UIDMap != nil, "uid_map"}, {t.GIDMap != nil, "gid_map"}, {!t.IDMapped, "idmapped"},
		{t.Monotonic != 0, "monotonic_offset"}, {t.Boottime != 0, "boottime_offset"},
	} {
		if x.written {
			v.l.fault(at+"."+x.key, atKey, "is not for a bundle", "its config.json says it")
		}
	}
}
