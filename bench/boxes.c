//go:build ignore

// boxes CGROUP ROOT SCRATCH FIFO: for each line "N" of its input it starts N containers with ROOT as what lies below
// their overlay, and prints the time before the first; for the line "0" it kills, reaps and removes them all, and prints
// how long that took. Each has a mount, PID, UTS, IPC and cgroup namespace of its own, the mounts, devices, masks and
// capabilities that Orderly gives to a container, a cgroup with a filter of devices, and a pipe for what it says. It is
// the least that a container engine has to do: it makes the same system calls as Orderly's child, with everything
// known beforehand, and no filter of system calls. The program is /mark in ROOT; it finds FIFO as its output.

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { most = 4096 };
// of linux/mount.h, which does not go with the C library's
enum { ms_rdonly = 1, ms_nosuid = 2, ms_nodev = 4, ms_noexec = 8, ms_bind = 4096, ms_rec = 16384, ms_slave = 1 << 19, ms_private = 1 << 18 };
enum { quiet = ms_nosuid | ms_nodev | ms_noexec, clone_tree = 1, at_recursive = 0x8000, from_empty = 4, follow = 0x10 };

static int pidfd[most], filter, fifo;
static char *root, *layers, *scratch, *name;
static char upper[4096], work[4096];

// The child shares the memory: what fails there is said by the parent.
static const char *failed;

static void die(const char *what) {
	fprintf(stderr, "boxes: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void must(long result, const char *what) {
	if (result >= 0)
		return;
	failed = what;
	_exit(127);
}

static int64_t now(void) {
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ll + t.tv_nsec;
}

static void attach(const char *from, const char *to, const char *type, unsigned long flags, const char *data) {
	must(syscall(SYS_mount, from, to, type, flags, data), to);
}

static void point(const char *path) {
	if (mkdir(path, 0777) && errno != EEXIST)
		must(-1, path);
}

// protect sets attributes of a mount, or of all below it too.
static void protect(int dir, const char *path, uint64_t set, uint64_t propagation, unsigned flags) {
	uint64_t attr[4] = {set, 0, propagation, 0};
	if (syscall(SYS_mount_setattr, dir, path, flags, attr, sizeof attr) && errno != ENOENT)
		must(-1, path);
}

static void move(int tree, const char *to) {
	if (syscall(SYS_move_mount, tree, "", AT_FDCWD, to, from_empty | follow) && errno != ENOENT)
		must(-1, to);
	close(tree);
}

static void layer(void) {
	attach("tmpfs", scratch, "tmpfs", ms_nosuid | ms_nodev, "mode=0755");
	must(mkdir(upper, 0755), upper);
	must(mkdir(work, 0755), work);
	attach("overlay", root, "overlay", 0, layers);
	must(chdir(root), root);
	must(syscall(SYS_pivot_root, ".", "."), "pivot_root");
}

static void mounts(void) {
	umask(022);
	point("/proc"), attach("proc", "/proc", "proc", quiet, "");
	point("/dev"), attach("tmpfs", "/dev", "tmpfs", ms_nosuid | ms_noexec, "mode=0755,size=64k");
	point("/dev/pts"), attach("devpts", "/dev/pts", "devpts", ms_nosuid | ms_noexec, "newinstance,ptmxmode=0666,mode=0620,gid=5");
	point("/dev/shm"), attach("shm", "/dev/shm", "tmpfs", quiet, "mode=1777,size=64m");
	point("/dev/mqueue"), attach("mqueue", "/dev/mqueue", "mqueue", quiet, "");
	point("/sys"), attach("sysfs", "/sys", "sysfs", ms_rdonly | quiet, "");
	attach("cgroup2", "/sys/fs/cgroup", "cgroup2", ms_rdonly | quiet, "");
}

static const struct {
	const char *path;
	int major, minor;
} nodes[] = {{"/dev/full", 1, 7}, {"/dev/null", 1, 3}, {"/dev/random", 1, 8}, {"/dev/tty", 5, 0}, {"/dev/urandom", 1, 9}, {"/dev/zero", 1, 5}};

static const char *const links[][2] = {{"pts/ptmx", "/dev/ptmx"}, {"/proc/self/fd", "/dev/fd"}, {"/proc/self/fd/0", "/dev/stdin"},
                                       {"/proc/self/fd/1", "/dev/stdout"}, {"/proc/self/fd/2", "/dev/stderr"}};

static void devices(void) {
	umask(0);
	for (unsigned i = 0; i < sizeof nodes / sizeof *nodes; i++)
		must(mknod(nodes[i].path, S_IFCHR | 0666, makedev(nodes[i].major, nodes[i].minor)), nodes[i].path);
	for (unsigned i = 0; i < sizeof links / sizeof *links; i++)
		must(symlink(links[i][0], links[i][1]), links[i][1]);
}

static const char *const masked[] = {"/proc/acpi", "/proc/asound", "/proc/interrupts", "/proc/kcore", "/proc/keys", "/proc/latency_stats",
                                     "/proc/sched_debug", "/proc/scsi", "/proc/timer_list", "/proc/timer_stats",
                                     "/sys/devices/virtual/powercap", "/sys/firmware"};
static const char *const protected[] = {"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"};

// look finds out beforehand what is there, and what is a directory.
static mode_t mode[sizeof masked / sizeof *masked];

static void look(void) {
	struct stat st;
	for (unsigned i = 0; i < sizeof masked / sizeof *masked; i++)
		mode[i] = stat(masked[i], &st) ? 0 : st.st_mode;
}

static void masks(int null) {
	for (unsigned i = 0; i < sizeof masked / sizeof *masked; i++)
		if (S_ISDIR(mode[i]))
			attach("tmpfs", masked[i], "tmpfs", ms_rdonly | quiet, "mode=0555");
		else if (mode[i]) {
			int tree = syscall(SYS_open_tree, null, "", clone_tree | O_CLOEXEC | AT_EMPTY_PATH);
			protect(tree, "", ms_rdonly | ms_nosuid | ms_noexec, ms_private, AT_EMPTY_PATH);
			move(tree, masked[i]);
		}
	for (unsigned i = 0; i < sizeof protected / sizeof *protected; i++)
		if (!syscall(SYS_mount, protected[i], protected[i], 0, ms_bind | ms_rec, 0))
			protect(AT_FDCWD, protected[i], ms_rdonly, 0, at_recursive);
		else if (errno != ENOENT)
			must(-1, protected[i]);
}

// capabilities leaves those that container engines leave.
static void capabilities(void) {
	const uint32_t left = 0xa80425fb;
	for (int i = 0; i < 64; i++)
		if ((i > 31 || !(left >> i & 1)) && prctl(PR_CAPBSET_DROP, i, 0, 0, 0))
			break; // the kernel has no more
	struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct data[2] = {{left, left, left}};
	must(syscall(SYS_capset, &head, data), "capset");
	must(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0), "ambient capabilities");
}

// The child of a vfork runs on this stack, while the parent waits.
static char stack[65536] __attribute__((aligned(16)));

static int run(void *arg) {
	static char *program[] = {"/mark", "/proc/self/fd/1", NULL};
	int *say = arg;
	setsid();
	dup2(fifo, 1);
	dup2(*say, 2);
	must(syscall(SYS_close_range, 3, ~0u, 0), "close_range");
	int score = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
	must(write(score, "0", 1), "oom score");
	close(score);
	must(syscall(SYS_unshare, CLONE_NEWCGROUP), "cgroup namespace");
	must(sethostname(name, strlen(name)), "hostname");
	attach(0, "/", 0, ms_rec | ms_slave, 0);
	int null = open("/dev/null", O_PATH | O_CLOEXEC);
	layer();
	mounts();
	devices();
	masks(null);
	must(syscall(SYS_umount2, ".", 2), "umount2"); // MNT_DETACH
	must(chdir("/"), "/");
	must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no new privileges");
	umask(022);
	capabilities();
	execv(program[0], program);
	must(-1, "exec");
	return 0;
}

// clone3(2) with a stack of its own: the C library has no wrapper for it.
static long spawn(struct clone_args *args, int *say) {
	register long r;
#if defined(__x86_64__)
	register int (*f)(void *) __asm__("r12") = run;
	register void *a __asm__("r13") = say;
	__asm__ volatile("syscall\n test %%rax, %%rax\n jnz 1f\n mov %%r13, %%rdi\n call *%%r12\n1:"
	                 : "=a"(r) : "a"(SYS_clone3), "D"(args), "S"(sizeof *args), "r"(f), "r"(a) : "rcx", "r11", "memory");
#elif defined(__aarch64__)
	register long x8 __asm__("x8") = SYS_clone3;
	register long x0 __asm__("x0") = (long)args, x1 __asm__("x1") = sizeof *args;
	register int (*f)(void *) __asm__("x20") = run;
	register void *a __asm__("x21") = say;
	__asm__ volatile("svc 0\n cbnz x0, 1f\n mov x0, x21\n blr x20\n1:" : "+r"(x0) : "r"(x1), "r"(x8), "r"(f), "r"(a) : "memory", "x30");
	r = x0;
#endif
	if (r < 0)
		errno = -r;
	return r;
}

// compile loads a filter of devices that is like Orderly's: those of every container, and terminals.
static int compile(void) {
	static const int rules[][2] = {{5, 2}, {136, -1}, {1, 7}, {1, 3}, {1, 8}, {5, 0}, {1, 9}, {1, 5}};
	struct bpf_insn p[128] = {{0x61, 2, 1, 0, 0}, {0xbc, 3, 2, 0, 0}, {0x74, 3, 0, 0, 16}, {0x54, 2, 0, 0, 0xffff}, {0x61, 4, 1, 4, 0}, {0x61, 5, 1, 8, 0}};
	int n = 6;
	for (unsigned i = 0; i < sizeof rules / sizeof *rules; i++) {
		int tests = rules[i][1] < 0 ? 2 : 3, end = n + tests + 2;
		p[n] = (struct bpf_insn){0x56, 2, 0, end - n - 1, BPF_DEVCG_DEV_CHAR}, n++;
		p[n] = (struct bpf_insn){0x56, 4, 0, end - n - 1, rules[i][0]}, n++;
		if (tests == 3)
			p[n] = (struct bpf_insn){0x56, 5, 0, end - n - 1, rules[i][1]}, n++;
		p[n++] = (struct bpf_insn){0xb4, 0, 0, 0, 1};
		p[n++] = (struct bpf_insn){0x95, 0, 0, 0, 0};
	}
	p[n++] = (struct bpf_insn){0xb4, 0, 0, 0, 0};
	p[n++] = (struct bpf_insn){0x95, 0, 0, 0, 0};
	union bpf_attr attr = {.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE, .insn_cnt = n, .insns = (uintptr_t)p, .license = (uintptr_t)"Apache-2.0"};
	return syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof attr);
}

static void start(int tree, int i) {
	char box[16];
	snprintf(box, sizeof box, "c%04d", i);
	name = box;
	if (mkdirat(tree, box, 0755))
		die("mkdir");
	int group = openat(tree, box, O_RDONLY | O_DIRECTORY | O_CLOEXEC), say[2];
	if (group < 0 || pipe2(say, O_CLOEXEC))
		die("pipe");
	union bpf_attr attr = {.target_fd = group, .attach_bpf_fd = filter, .attach_type = BPF_CGROUP_DEVICE};
	if (syscall(SYS_bpf, BPF_PROG_ATTACH, &attr, sizeof attr))
		die("attach the filter of devices");
	struct clone_args args = {
		.flags = CLONE_VM | CLONE_VFORK | CLONE_PIDFD | CLONE_INTO_CGROUP | CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWPID,
		.pidfd = (uintptr_t)&pidfd[i], .exit_signal = SIGCHLD, .stack = (uintptr_t)stack, .stack_size = sizeof stack, .cgroup = group,
	};
	if (spawn(&args, &say[1]) < 0)
		die("clone3");
	if (failed)
		die(failed);
	close(group);
	close(say[1]);
}

static void stop(int tree, int n) {
	char box[16];
	for (int i = 0; i < n; i++)
		syscall(SYS_pidfd_send_signal, pidfd[i], SIGKILL, NULL, 0);
	for (int i = 0; i < n; i++) {
		siginfo_t info;
		if (waitid(P_PIDFD, pidfd[i], &info, WEXITED))
			die("waitid");
		close(pidfd[i]);
		snprintf(box, sizeof box, "c%04d", i);
		if (unlinkat(tree, box, AT_REMOVEDIR))
			die("rmdir");
	}
}

int main(int argc, char **argv) {
	if (argc != 5)
		return 2;
	int tree, running = 0;
	struct rlimit files;
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	root = argv[2], scratch = argv[3];
	snprintf(upper, sizeof upper, "%s/upper", scratch);
	snprintf(work, sizeof work, "%s/work", scratch);
	if (asprintf(&layers, "lowerdir=%s,upperdir=%s,workdir=%s", root, upper, work) < 0 || (fifo = open(argv[4], O_WRONLY | O_CLOEXEC)) < 0)
		die(argv[4]);
	if (mkdir(argv[1], 0755) || (tree = open(argv[1], O_DIRECTORY | O_CLOEXEC)) < 0)
		die(argv[1]);
	if ((filter = compile()) < 0)
		die("load the filter of devices");
	look();
	for (char line[16]; fgets(line, sizeof line, stdin);) {
		int n = atoi(line);
		int64_t t0 = now();
		if (n == 0)
			stop(tree, running);
		for (int i = 0; i < n && i < most; i++)
			start(tree, i);
		running = n;
		printf("%lld\n", (long long)(n == 0 ? now() - t0 : t0));
		fflush(stdout);
	}
	stop(tree, running);
	return rmdir(argv[1]) ? 1 : 0;
}
