//go:build ignore

// floor CGROUP PROGRAM FIFO N wide|chain: starts N programs, each in its cgroup, with a pipe for its output, in its own
// session. "chain" waits for a newline on the program's descriptor 3 before the next. Prints the time before the first
// start, waits for a line, then ends, reaps and removes them all, and prints how long that took. It is the
// least that a supervisor has to do for a start and a stop; it keeps pidfds and pipes, as one that reads logs and
// waits for exits would.

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { most = 4096 };
static int pidfd[most];
static char *program[4];
static int with_ready;

static void die(const char *what) {
	fprintf(stderr, "floor: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int64_t now(void) {
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ll + t.tv_nsec;
}

// The child of a vfork runs on this stack, while the parent waits.
static char stack[65536] __attribute__((aligned(16)));

struct child {
	int out, ready;
};

static int run(void *arg) {
	struct child *c = arg;
	setsid();
	dup2(c->out, 1);
	dup2(c->out, 2);
	if (c->ready >= 0)
		dup2(c->ready, 3);
	execv(program[0], program);
	_exit(127);
}

// clone3(2) with a stack of its own: the C library has no wrapper for it.
static long spawn(struct clone_args *args, struct child *c) {
	register long r;
#if defined(__x86_64__)
	register int (*f)(void *) __asm__("r12") = run;
	register void *a __asm__("r13") = c;
	__asm__ volatile("syscall\n test %%rax, %%rax\n jnz 1f\n mov %%r13, %%rdi\n call *%%r12\n1:"
	                 : "=a"(r) : "a"(SYS_clone3), "D"(args), "S"(sizeof *args), "r"(f), "r"(a) : "rcx", "r11", "memory");
#elif defined(__aarch64__)
	register long x8 __asm__("x8") = SYS_clone3;
	register long x0 __asm__("x0") = (long)args, x1 __asm__("x1") = sizeof *args;
	register int (*f)(void *) __asm__("x20") = run;
	register void *a __asm__("x21") = c;
	__asm__ volatile("svc 0\n cbnz x0, 1f\n mov x0, x21\n blr x20\n1:" : "+r"(x0) : "r"(x1), "r"(x8), "r"(f), "r"(a) : "memory", "x30");
	r = x0;
#endif
	if (r < 0)
		errno = -r;
	return r;
}

static void start(int tree, int i) {
	char name[16];
	snprintf(name, sizeof name, "c%04d", i);
	if (mkdirat(tree, name, 0755))
		die("mkdir");
	int group = openat(tree, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int out[2], ready[2] = {-1, -1};
	if (group < 0 || pipe2(out, O_CLOEXEC) || (with_ready && pipe2(ready, O_CLOEXEC)))
		die("pipe");
	struct child c = {out[1], ready[1]};
	struct clone_args args = {
		.flags = CLONE_VM | CLONE_VFORK | CLONE_PIDFD | CLONE_INTO_CGROUP, .pidfd = (uintptr_t)&pidfd[i],
		.exit_signal = SIGCHLD, .stack = (uintptr_t)stack, .stack_size = sizeof stack, .cgroup = group,
	};
	if (spawn(&args, &c) < 0)
		die("clone3");
	close(group);
	close(out[1]);
	if (!with_ready)
		return;
	close(ready[1]);
	char b;
	if (read(ready[0], &b, 1) != 1)
		die("wait for ready");
	close(ready[0]);
}

static void stop(int tree, int n) {
	char name[16];
	for (int i = 0; i < n; i++)
		syscall(SYS_pidfd_send_signal, pidfd[i], SIGTERM, NULL, 0);
	for (int i = 0; i < n; i++) {
		siginfo_t info;
		if (waitid(P_PIDFD, pidfd[i], &info, WEXITED))
			die("waitid");
		snprintf(name, sizeof name, "c%04d", i);
		if (unlinkat(tree, name, AT_REMOVEDIR))
			die("rmdir");
	}
}

int main(int argc, char **argv) {
	if (argc != 6)
		return 2;
	int n = atoi(argv[4]), tree;
	struct rlimit files;
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	with_ready = !strcmp(argv[5], "chain");
	program[0] = argv[2], program[1] = argv[3], program[2] = with_ready ? "ready" : NULL;
	if (n > most || mkdir(argv[1], 0755) || (tree = open(argv[1], O_DIRECTORY | O_CLOEXEC)) < 0)
		die(argv[1]);
	int64_t t0 = now();
	for (int i = 0; i < n; i++)
		start(tree, i);
	printf("%lld\n", (long long)t0);
	fflush(stdout);
	char line[8];
	if (!fgets(line, sizeof line, stdin))
		fprintf(stderr, "floor: nobody asked for the stop\n");
	t0 = now();
	stop(tree, n);
	printf("%lld\n", (long long)(now() - t0));
	return rmdir(argv[1]) ? 1 : 0;
}
