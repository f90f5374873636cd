// SPDX-License-Identifier: MIT
#include "guest-link.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

void link_open(struct guest_link *link, int fd)
{
	link->fd = fd;
	link->received_fd = -1;
	link->begin = 0;
	link->end = 0;
}

void link_close(struct guest_link *link)
{
	if (link->fd >= 0)
		close(link->fd);
	if (link->received_fd >= 0)
		close(link->received_fd);
	link->fd = -1;
	link->received_fd = -1;
}

int link_take_fd(struct guest_link *link)
{
	int fd = link->received_fd;

	link->received_fd = -1;
	return fd;
}

/* Room for one fd: more are cut off by the kernel, which MSG_CTRUNC tells. */
int link_read(struct guest_link *link)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec iov;
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *cmsg;
	ssize_t n;

	if (link->begin > 0) {
		link->end -= link->begin;
		memmove(link->bytes, link->bytes + link->begin, link->end);
		link->begin = 0;
	}
	iov.iov_base = link->bytes + link->end;
	iov.iov_len = sizeof(link->bytes) - link->end;
	n = recvmsg(link->fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -1;
	cmsg = CMSG_FIRSTHDR(&msg);
	if (cmsg && cmsg->cmsg_type == SCM_RIGHTS) {
		/* the last one was never used: not what the protocol says */
		if (link->received_fd >= 0)
			close(link->received_fd);
		memcpy(&link->received_fd, CMSG_DATA(cmsg), sizeof(int));
	}
	if (n == 0 || (msg.msg_flags & MSG_CTRUNC))
		return -1;
	link->end += (size_t)n;
	return 1;
}

int link_take(struct guest_link *link, struct vug_header *header,
	      const void **payload)
{
	size_t available = link->end - link->begin;

	if (available < sizeof(*header))
		return 0;
	memcpy(header, link->bytes + link->begin, sizeof(*header));
	if (header->size > sizeof(link->bytes) - sizeof(*header))
		return -1;
	if (available < sizeof(*header) + header->size)
		return 0;
	*payload = link->bytes + link->begin + sizeof(*header);
	link->begin += sizeof(*header) + header->size;
	return 1;
}

/* Replies are small and awaited: a full socket is the guest's fault. */
int link_reply(struct guest_link *link, uint32_t request, const void *payload,
	       uint32_t size)
{
	struct vug_header header = { request, VUG_FLAG_REPLY, size };
	struct iovec iov[2] = {
		{ &header, sizeof(header) },
		{ (void *)payload, size },
	};
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = size ? 2 : 1 };
	ssize_t n = sendmsg(link->fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);

	return n == (ssize_t)(sizeof(header) + size) ? 0 : -1;
}
