package boot

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// testMounts has a stack on /data, a mount that was moved (40 is older than what it lies on), an escaped name, an
// overlay, a lasting file system below /run, and two lines that are none.
const testMounts = `1 1 0:2 / / rw - rootfs none rw
21 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda1 rw,errors=remount-ro
22 21 0:5 / /proc rw - proc proc rw
23 21 0:6 / /dev rw - devtmpfs devtmpfs rw
24 23 0:7 / /dev/shm rw - tmpfs tmpfs rw
25 21 0:8 / /run rw - tmpfs tmpfs rw
40 60 254:5 / /new/moved rw - ext4 /dev/vdf rw
30 21 254:1 / /data rw - ext4 /dev/vdb ro,x
31 30 254:2 / /data rw master:3 propagate_from:2 - ext4 /dev/vdc rw
32 31 0:9 / /data/a\040b\134 rw - overlay overlay rw,lowerdir=/l - x
33 25 254:3 / /run/media rw - vfat /dev/sda1 rw
60 21 254:4 / /new rw - ext4 /dev/vde rw
61 21
garbage - ext4 x rw
`

func TestUnmountOrder(t *testing.T) {
	t.Parallel()
	var got []string
	for _, m := range unmountOrder(parseMounts(testMounts)) {
		if m.stays() {
			continue
		}
		got = append(got, strings.Join([]string{m.point, m.kind, m.source}, " "))
		if m.readOnly != (m.source == "/dev/vdb") {
			t.Errorf("%+v: read-only", m)
		}
	}
	want := []string{
		`/data/a b\ overlay overlay`,
		"/run/media vfat /dev/sda1",
		"/data ext4 /dev/vdc",
		"/new/moved ext4 /dev/vdf",
		"/new ext4 /dev/vde",
		"/data ext4 /dev/vdb",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func FuzzMountinfo(f *testing.F) {
	f.Add(testMounts)
	f.Add("1 2 0:1 / /a - - t s o\n2 1 0:1 / /b - - t s o\n")
	f.Add("5 5 0:1 / / - - t \\777 ro\n5 1 0:1 / /\\04 - - t s o")
	f.Fuzz(func(t *testing.T, text string) {
		all := parseMounts(text)
		order := unmountOrder(all)
		if len(order) != len(all) {
			t.Fatalf("%d of %d mounts", len(order), len(all))
		}
		unique := map[int]int{}
		for _, m := range all {
			unique[m.id]++
		}
		place := map[int]int{}
		for i, m := range order {
			place[m.id] = i
		}
		for _, m := range all {
			up, ok := place[m.parent]
			if ok && unique[m.id] == 1 && unique[m.parent] == 1 && up < place[m.id] && !circular(all, m.id) {
				t.Fatalf("mount %d goes after its parent %d", m.id, m.parent)
			}
		}
	})
}

// circular reports whether a mount's parents never end, which the kernel does not write.
func circular(all []mounting, id int) bool {
	parent := map[int]int{}
	for _, m := range all {
		parent[m.id] = m.parent
	}
	for range len(all) + 1 {
		up, ok := parent[id]
		if !ok || up == id {
			return false
		}
		id = up
	}
	return true
}

func TestSwaps(t *testing.T) {
	t.Parallel()
	text := "Filename\t\t\t\tType\t\tSize\n/dev/zram0                              partition\t1\n/a\\040b file\n"
	if diff := cmp.Diff([]string{"/dev/zram0", "/a b"}, parseSwaps(text)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestOptions(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		text string
		want mountOptions
	}{
		{"", mountOptions{}},
		{"defaults,nofail,x-systemd.automount,comment=a", mountOptions{}},
		{"ro,nosuid,nodev,noexec", mountOptions{flags: unix.MS_RDONLY | unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC}},
		{"ro,rw", mountOptions{}},
		{"relatime,noatime", mountOptions{flags: unix.MS_NOATIME}},
		{"remount,bind,ro", mountOptions{flags: unix.MS_REMOUNT | unix.MS_BIND | unix.MS_RDONLY}},
		{"rbind,rslave", mountOptions{flags: unix.MS_BIND | unix.MS_REC, share: unix.MS_SLAVE | unix.MS_REC}},
		{"size=1m,,noatime,mode=0755", mountOptions{flags: unix.MS_NOATIME, data: "size=1m,mode=0755"}},
		{`context="a,ro,b",ro`, mountOptions{flags: unix.MS_RDONLY, data: `context="a,ro,b"`}},
	} {
		if got := parseOptions(row.text); got != row.want {
			t.Errorf("%q: got %v, want %v", row.text, got, row.want)
		}
	}
}

func TestSysctlPath(t *testing.T) {
	t.Parallel()
	for _, row := range [][2]string{
		{"kernel.panic", "/proc/sys/kernel/panic"},
		{"net/ipv4/conf/eth0.1/forwarding", "/proc/sys/net/ipv4/conf/eth0.1/forwarding"},
		{"net.ipv4.conf.eth0/1.forwarding", "/proc/sys/net/ipv4/conf/eth0.1/forwarding"},
		{"../../etc/passwd", "/proc/sys/etc/passwd"},
	} {
		if got := SysctlPath(row[0]); got != row[1] && row[0][0] != '.' || !strings.HasPrefix(got, "/proc/sys/") {
			t.Errorf("%s: got %s, want %s", row[0], got, row[1])
		}
	}
}
