// SPDX-License-Identifier: MIT
#include "vug-socket.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_MS INT64_C(1000000)
#define NS_PER_S  INT64_C(1000000000)
#define RETRY_MS  50

int64_t vug_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * NS_PER_S + now.tv_nsec;
}

/* fd < 0 just sleeps. */
static int wait_for(const struct vug *vug, int fd, short events,
		    int64_t until_ns)
{
	struct pollfd pollfd = { .fd = fd, .events = events };
	int64_t left = until_ns - vug_now_ns();
	struct timespec timeout;
	int n;

	if (left < 0)
		left = 0;
	timeout.tv_sec = left / NS_PER_S;
	timeout.tv_nsec = left % NS_PER_S;
	n = ppoll(&pollfd, 1, until_ns == INT64_MAX ? NULL : &timeout,
		  vug->sigmask);
	if (n < 0)
		return -errno;
	return n > 0 ? 0 : -ETIMEDOUT;
}

static int64_t deadline(const struct vug *vug)
{
	return vug_now_ns() + vug->timeout_ms * NS_PER_MS;
}

/* However a stream socket says it, the other end is gone. */
static int socket_error(int error)
{
	return error == ECONNRESET ? -EPIPE : -error;
}

static void skip_sent(struct msghdr *msg, size_t sent)
{
	while (msg->msg_iovlen > 0 && sent >= msg->msg_iov->iov_len) {
		sent -= msg->msg_iov->iov_len;
		msg->msg_iov++;
		msg->msg_iovlen--;
	}
	if (msg->msg_iovlen > 0) {
		msg->msg_iov->iov_base = (char *)msg->msg_iov->iov_base + sent;
		msg->msg_iov->iov_len -= sent;
	}
}

/* `data` follows the payload, for pixels; fd < 0 sends none. */
int vug_send(struct vug *vug, uint32_t request, const void *payload,
	     uint32_t size, const void *data, uint32_t data_size, int fd)
{
	struct vug_header header = { request, 0, size + data_size };
	struct iovec iov[3] = {
		{ &header, sizeof(header) },
		{ (void *)payload, size },
		{ (void *)data, data_size },
	};
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 3 };
	int64_t until = deadline(vug);
	int ret = 0;

	if (fd >= 0) {
		control.header.cmsg_len = CMSG_LEN(sizeof(int));
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
		msg.msg_control = &control;
		msg.msg_controllen = sizeof(control.bytes);
	}
	while (msg.msg_iovlen > 0 && ret == 0) {
		ssize_t n = sendmsg(vug->fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n >= 0) {
			skip_sent(&msg, (size_t)n);
			/* the fd went with the first byte; not twice */
			msg.msg_control = NULL;
			msg.msg_controllen = 0;
		} else if (errno == EAGAIN) {
			ret = wait_for(vug, vug->fd, POLLOUT, until);
		} else {
			ret = socket_error(errno);
		}
	}
	return ret;
}

static int receive(struct vug *vug, void *bytes, size_t size, int64_t until)
{
	char *at = bytes;

	while (size > 0) {
		ssize_t n = recv(vug->fd, at, size, MSG_DONTWAIT);
		int ret = 0;

		if (n > 0) {
			at += n;
			size -= (size_t)n;
		} else if (n == 0) {
			ret = -EPIPE;
		} else if (errno == EAGAIN) {
			ret = wait_for(vug, vug->fd, POLLIN, until);
		} else {
			ret = socket_error(errno);
		}
		if (ret < 0)
			return ret;
	}
	return 0;
}

int vug_receive_reply(struct vug *vug, uint32_t request, void *payload,
		      uint32_t size)
{
	int64_t until = deadline(vug);
	struct vug_header header;
	int ret = receive(vug, &header, sizeof(header), until);

	if (ret < 0)
		return ret;
	if (header.request != request || header.size != size ||
	    !(header.flags & VUG_FLAG_REPLY))
		return -EPROTO;
	return receive(vug, payload, size, until);
}

void vug_init(struct vug *vug)
{
	*vug = (struct vug){ .fd = -1, .timeout_ms = 60000 };
}

int vug_connect(struct vug *vug, const char *path, int wait_ms)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int64_t until =
		wait_ms < 0 ? INT64_MAX : vug_now_ns() + wait_ms * NS_PER_MS;
	int64_t now;
	int ret;

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	strcpy(address.sun_path, path);
	vug->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (vug->fd < 0)
		return -errno;
	for (;;) {
		if (connect(vug->fd, (const struct sockaddr *)&address,
			    sizeof(address)) == 0)
			return 0;
		ret = -errno;
		now = vug_now_ns();
		if ((ret != -ENOENT && ret != -ECONNREFUSED) || now >= until)
			break;
		ret = wait_for(vug, -1, 0, now + RETRY_MS * NS_PER_MS);
		if (ret != -ETIMEDOUT)
			break;
	}
	vug_close(vug);
	return ret;
}

void vug_close(struct vug *vug)
{
	if (vug->fd >= 0)
		close(vug->fd);
	vug->fd = -1;
	vug->features = 0;
}

int vug_idle(struct vug *vug, int64_t until_ns)
{
	char byte;
	ssize_t n;
	int ret = wait_for(vug, vug->fd, POLLIN, until_ns);

	if (ret == -ETIMEDOUT)
		return 0;
	if (ret < 0)
		return ret;
	/* nothing was asked, so anything but an end of file is a mistake */
	n = recv(vug->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
	if (n < 0)
		return socket_error(errno);
	return n == 0 ? -EPIPE : -EPROTO;
}
