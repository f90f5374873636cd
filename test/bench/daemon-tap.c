// SPDX-License-Identifier: MIT
/*
 * Preloaded into the daemon: writes down when it made the calls that figures
 * are taken between, in microseconds of CLOCK_MONOTONIC, one line each, to the
 * file that DAEMON_TAP names. Costs a short write, where a tracer would stop
 * the daemon at every system call.
 *
 *     US call MEMBER       one of two D-Bus methods is called
 *     US fds               file descriptors came
 *     US framebuffer ID    made
 *     US commit ID         a frame was committed
 *
 * SIGUSR2 cuts the connection to the socket that DAEMON_TAP_CUTS names.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>
#include <xf86drm.h>
#include <xf86drmMode.h>

static int file = -1;
static uint32_t fb_id_property;
static volatile sig_atomic_t cut_fd = -1;

static uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000 + (uint64_t)time.tv_nsec / 1000;
}

static void __attribute__((format(printf, 2, 3)))
note(uint64_t at, const char *format, ...)
{
	char line[128];
	int length = snprintf(line, sizeof(line), "%" PRIu64 " ", at);
	va_list values;

	va_start(values, format);
	length += vsnprintf(line + length, sizeof(line) - (size_t)length,
			    format, values);
	va_end(values);
	if (file >= 0 && write(file, line, (size_t)length) < 0)
		abort();
}

static void __attribute__((constructor)) open_file(void)
{
	const char *path = getenv("DAEMON_TAP");

	if (path)
		file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC,
			    0600);
}

static void cut(int number)
{
	(void)number;
	if (cut_fd >= 0)
		shutdown(cut_fd, SHUT_RDWR);
}

int connect(int fd, const struct sockaddr *address, socklen_t size)
{
	static int (*next)(int, const struct sockaddr *, socklen_t);
	const char *path = getenv("DAEMON_TAP_CUTS");
	const struct sockaddr_un *at = (const struct sockaddr_un *)address;
	struct sigaction action = { .sa_handler = cut, .sa_flags = SA_RESTART };

	if (!next)
		next = dlsym(RTLD_NEXT, "connect");
	if (path && at->sun_family == AF_UNIX && !strcmp(at->sun_path, path)) {
		cut_fd = fd;
		/* not earlier: Node resets what it finds */
		sigaction(SIGUSR2, &action, NULL);
	}
	return next(fd, address, size);
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
	static const char *const members[] = { "RegisterListener",
					       "SetUIInfo" };
	static ssize_t (*next)(int, const struct msghdr *, int);
	const struct iovec *data = message->msg_iov;

	if (!next)
		next = dlsym(RTLD_NEXT, "sendmsg");
	for (size_t i = 0; i < sizeof(members) / sizeof(*members); i++) {
		/* whole, as D-Bus ends its strings */
		if (message->msg_iovlen &&
		    memmem(data->iov_base, data->iov_len, members[i],
			   strlen(members[i]) + 1))
			note(now(), "call %s\n", members[i]);
	}
	return next(fd, message, flags);
}

ssize_t recvmsg(int fd, struct msghdr *message, int flags)
{
	static ssize_t (*next)(int, struct msghdr *, int);
	const struct cmsghdr *control;
	ssize_t size;

	if (!next)
		next = dlsym(RTLD_NEXT, "recvmsg");
	size = next(fd, message, flags);
	control = size > 0 ? CMSG_FIRSTHDR(message) : NULL;
	if (control && control->cmsg_type == SCM_RIGHTS)
		note(now(), "fds\n");
	return size;
}

/* The framebuffer that a commit puts on a plane, or 0. */
static uint32_t framebuffer_of(const struct drm_mode_atomic *commit)
{
	const uint32_t *counts = (const uint32_t *)commit->count_props_ptr;
	const uint32_t *names = (const uint32_t *)commit->props_ptr;
	const uint64_t *values = (const uint64_t *)commit->prop_values_ptr;
	uint32_t at = 0;

	for (uint32_t object = 0; object < commit->count_objs; object++) {
		for (uint32_t i = 0; i < counts[object]; i++, at++) {
			if (names[at] == fb_id_property && values[at])
				return (uint32_t)values[at];
		}
	}
	return 0;
}

static void look(unsigned long request, const void *argument)
{
	const struct drm_mode_get_property *property = argument;
	const struct drm_mode_fb_cmd2 *made = argument;
	const struct drm_mode_atomic *commit = argument;

	switch (request) {
	case DRM_IOCTL_MODE_GETPROPERTY:
		if (!strcmp(property->name, "FB_ID"))
			fb_id_property = property->prop_id;
		break;
	case DRM_IOCTL_MODE_ADDFB2:
		note(now(), "framebuffer %u\n", made->fb_id);
		break;
	case DRM_IOCTL_MODE_ATOMIC:
		if (!(commit->flags & DRM_MODE_ATOMIC_TEST_ONLY))
			note(now(), "commit %u\n", framebuffer_of(commit));
		break;
	default:
		break;
	}
}

int ioctl(int fd, unsigned long request, ...)
{
	static int (*next)(int, unsigned long, ...);
	va_list values;
	void *argument;
	int ret;

	va_start(values, request);
	argument = va_arg(values, void *);
	va_end(values);
	if (!next)
		next = dlsym(RTLD_NEXT, "ioctl");
	ret = next(fd, request, argument);
	if (ret == 0)
		look(request, argument);
	return ret;
}
