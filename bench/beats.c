//go:build ignore

// beats PROGRAM FIFO N: starts N programs that beat on descriptor 3, and reads what they say with one epoll. It is the least that
// somebody who listens to heartbeats has to do, and it judges nothing. For each line that it is sent it prints the processor
// time that it has used until then, in nanoseconds; at the end of its input it kills them all.

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { most = 4096 };
static pid_t child[most];

static void die(const char *what) {
	fprintf(stderr, "beats: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void start(int epoll, int i, char **program) {
	int p[2];
	if (pipe2(p, O_CLOEXEC | O_NONBLOCK))
		die("pipe");
	child[i] = vfork();
	if (child[i] < 0)
		die("vfork");
	if (child[i] == 0) {
		dup2(p[1], 3);
		execv(program[0], program);
		_exit(127);
	}
	close(p[1]);
	struct epoll_event e = {.events = EPOLLIN, .data.fd = p[0]};
	if (epoll_ctl(epoll, EPOLL_CTL_ADD, p[0], &e))
		die("epoll_ctl");
}

// answer takes a line of the input and tells the time used; it returns 0 at the end.
static int answer(void) {
	char line[64];
	struct timespec t;
	if (read(0, line, sizeof line) <= 0)
		return 0;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	printf("%lld\n", t.tv_sec * 1000000000ll + t.tv_nsec);
	fflush(stdout);
	return 1;
}

int main(int argc, char **argv) {
	if (argc != 4)
		return 2;
	int n = atoi(argv[3]), epoll;
	char *program[] = {argv[1], argv[2], "beat", NULL};
	struct rlimit files;
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	if (open("/dev/null", O_RDONLY) < 0) // descriptor 3 is the programs'
		die("/dev/null");
	if (n > most || (epoll = epoll_create1(EPOLL_CLOEXEC)) < 0)
		die("epoll_create1");
	struct epoll_event in = {.events = EPOLLIN, .data.fd = 0}, events[64];
	if (epoll_ctl(epoll, EPOLL_CTL_ADD, 0, &in))
		die("epoll_ctl");
	for (int i = 0; i < n; i++)
		start(epoll, i, program);
	for (int on = 1; on;) {
		char beats[4096];
		int got = epoll_wait(epoll, events, 64, -1);
		for (int i = 0; i < got; i++)
			if (events[i].data.fd == 0)
				on = on && answer();
			else if (read(events[i].data.fd, beats, sizeof beats) == 0)
				die("a program has ended");
	}
	for (int i = 0; i < n; i++)
		kill(child[i], SIGKILL);
	for (int i = 0; i < n; i++)
		waitpid(child[i], NULL, 0);
	return 0;
}
