// SPDX-License-Identifier: MIT
/*
 * Plays the part of systemd for one service of Type=notify, Restart=always and
 * FileDescriptorStoreMax=8:
 *
 *     supervisor SOCKET COMMAND...
 *
 * Prints a line for each thing that happens. SIGUSR1 restarts the service,
 * SIGTERM stops it and lets go of what it stored; SIGUSR2 takes DRM master from
 * the cards it stored, as no service manager would, but other programs do.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

/** Of drm.h, which need not be here. */
#define DRM_IOCTL_DROP_MASTER _IO('d', 0x1f)

enum { MAX_STORED = 8, FIRST_FD = 3, MAX_STATE = 4096 };

static struct {
	char name[64];
	int fd;
} stored[MAX_STORED];
static size_t stored_count;
static pid_t service;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void start(char *socket_path, char **command)
{
	service = fork();
	if (service < 0)
		die("fork");
	if (service == 0) {
		char names[MAX_STORED * 65] = "", count[16], pid[16];
		// First out of the way of the numbers they are to have.
		int moved[MAX_STORED];
		for (size_t i = 0; i < stored_count; i++)
			moved[i] = dup(stored[i].fd);
		for (size_t i = 0; i < stored_count; i++) {
			dup2(moved[i], FIRST_FD + (int)i);
			if (i > 0)
				strcat(names, ":");
			strcat(names, stored[i].name);
		}
		closefrom(FIRST_FD + (int)stored_count);
		snprintf(count, sizeof(count), "%zu", stored_count);
		snprintf(pid, sizeof(pid), "%d", getpid());
		setenv("LISTEN_FDS", count, 1);
		setenv("LISTEN_PID", pid, 1);
		setenv("LISTEN_FDNAMES", names, 1);
		setenv("NOTIFY_SOCKET", socket_path, 1);
		setenv("WATCHDOG_USEC", "2000000", 1);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		sigset_t none;
		sigemptyset(&none);
		sigprocmask(SIG_SETMASK, &none, NULL);
		execv(command[0], command);
		die(command[0]);
	}
	printf("started %d with %zu\n", service, stored_count);
}

/** The value of `key` in a state, or "". */
static const char *field(const char *state, const char *key, char *value,
			 size_t size)
{
	size_t length = strlen(key);
	*value = '\0';
	for (const char *line = state; line != NULL && *line != '\0';
	     line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, key, length) == 0 && line[length] == '=')
			snprintf(value, size, "%.*s",
				 (int)strcspn(line + length + 1, "\n"),
				 line + length + 1);
	}
	return value;
}

static void store(const char *name, int fd)
{
	if (stored_count == MAX_STORED) {
		close(fd);
		return;
	}
	snprintf(stored[stored_count].name, sizeof(stored[0].name), "%s", name);
	stored[stored_count++].fd = fd;
}

static void drop(const char *name)
{
	size_t kept = 0;
	for (size_t i = 0; i < stored_count; i++) {
		if (strcmp(stored[i].name, name) == 0)
			close(stored[i].fd);
		else
			stored[kept++] = stored[i];
	}
	stored_count = kept;
}

static void notified(int notify)
{
	char state[MAX_STATE + 1], name[64], value[8];
	union {
		char bytes[CMSG_SPACE(sizeof(int) * MAX_STORED)];
		struct cmsghdr align;
	} control;
	struct iovec data = { state, MAX_STATE };
	struct msghdr message = { .msg_iov = &data,
				  .msg_iovlen = 1,
				  .msg_control = control.bytes,
				  .msg_controllen = sizeof(control.bytes) };
	ssize_t length = recvmsg(notify, &message, MSG_CMSG_CLOEXEC);
	if (length < 0)
		return;
	state[length] = '\0';
	field(state, "FDNAME", name, sizeof(name));
	for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header != NULL;
	     header = CMSG_NXTHDR(&message, header)) {
		if (header->cmsg_level != SOL_SOCKET ||
		    header->cmsg_type != SCM_RIGHTS)
			continue;
		int fd;
		for (size_t at = 0;
		     CMSG_LEN(at + sizeof(fd)) <= header->cmsg_len;
		     at += sizeof(fd)) {
			memcpy(&fd, CMSG_DATA(header) + at, sizeof(fd));
			store(name, fd);
		}
	}
	if (*field(state, "FDSTOREREMOVE", value, sizeof(value)) != '\0')
		drop(name);
	for (char *c = state; *c != '\0'; c++)
		if (*c == '\n')
			*c = ' ';
	printf("%s (stored %zu)\n", state, stored_count);
}

int main(int argc, char **argv)
{
	if (argc < 3) {
		fprintf(stderr, "usage: supervisor SOCKET COMMAND...\n");
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	sigset_t signals;
	sigemptyset(&signals);
	sigaddset(&signals, SIGCHLD);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGUSR1);
	sigaddset(&signals, SIGUSR2);
	sigprocmask(SIG_BLOCK, &signals, NULL);

	int notify = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", argv[1]);
	unlink(argv[1]);
	if (bind(notify, (struct sockaddr *)&address, sizeof(address)) < 0)
		die(argv[1]);
	int signal_fd = signalfd(-1, &signals, SFD_CLOEXEC);

	start(argv[1], argv + 2);
	bool stopping = false;
	struct pollfd fds[] = { { .fd = notify, .events = POLLIN },
				{ .fd = signal_fd, .events = POLLIN } };
	while (poll(fds, 2, -1) >= 0 || errno == EINTR) {
		if (fds[0].revents & POLLIN) {
			notified(notify);
			continue; // all that was said before an end is heard
				  // before it
		}
		if (!(fds[1].revents & POLLIN))
			continue;
		struct signalfd_siginfo info;
		if (read(signal_fd, &info, sizeof(info)) != sizeof(info))
			continue;
		if (info.ssi_signo == SIGUSR2) {
			for (size_t i = 0; i < stored_count; i++)
				ioctl(stored[i].fd, DRM_IOCTL_DROP_MASTER, 0);
			continue;
		}
		if (info.ssi_signo != SIGCHLD) {
			stopping = info.ssi_signo == SIGTERM;
			kill(service, SIGTERM);
			continue;
		}
		int status;
		if (waitpid(service, &status, WNOHANG) != service)
			continue;
		printf("ended %d\n", WIFEXITED(status)
					     ? WEXITSTATUS(status)
					     : 128 + WTERMSIG(status));
		if (stopping)
			return 0;
		usleep(100000);
		start(argv[1], argv + 2);
	}
	return 1;
}
