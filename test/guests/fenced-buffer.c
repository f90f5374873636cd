// SPDX-License-Identifier: MIT
/*
 * A buffer that a test decides about when it is drawn: memory of vgem, whose
 * fences are signalled on request, or by the kernel after ten seconds.
 *
 *	fenced-buffer SOCKET WIDTH HEIGHT
 *
 * Listens, sends the first client the stride, in four bytes, and with it the
 * dma-buf; then does what each byte from it says and sends it back:
 * 'a' attach a fence to the buffer, 's' signal all that were attached.
 */
#include <drm.h>
#include <drm_mode.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* <drm/vgem_drm.h>, which libdrm does not bring */
struct drm_vgem_fence_attach {
	uint32_t handle;
	uint32_t flags;
#define VGEM_FENCE_WRITE 0x1
	uint32_t out_fence;
	uint32_t pad;
};
struct drm_vgem_fence_signal {
	uint32_t fence;
	uint32_t flags;
};
#define DRM_IOCTL_VGEM_FENCE_ATTACH                                            \
	DRM_IOWR(DRM_COMMAND_BASE + 0x1, struct drm_vgem_fence_attach)
#define DRM_IOCTL_VGEM_FENCE_SIGNAL                                            \
	DRM_IOW(DRM_COMMAND_BASE + 0x2, struct drm_vgem_fence_signal)

#define CARDS	   16
#define FENCES_MAX 64

struct fenced {
	int card;
	uint32_t handle;
	uint32_t fences[FENCES_MAX];
	unsigned int count;
};

static void __attribute__((noreturn)) fail(const char *what)
{
	fprintf(stderr, "fenced-buffer: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int open_vgem(void)
{
	for (unsigned int i = 0; i < CARDS; i++) {
		char path[32], name[8] = "";
		struct drm_version version = { .name = name,
					       .name_len = sizeof(name) - 1 };
		int fd;

		snprintf(path, sizeof(path), "/dev/dri/card%u", i);
		fd = open(path, O_RDWR | O_CLOEXEC);
		if (fd < 0)
			continue;
		if (ioctl(fd, DRM_IOCTL_VERSION, &version) == 0 &&
		    strcmp(name, "vgem") == 0) {
			/* the test's subject may want to be master of its own
			 */
			ioctl(fd, DRM_IOCTL_DROP_MASTER, 0);
			return fd;
		}
		close(fd);
	}
	errno = ENODEV;
	fail("vgem");
}

static int accept_one(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int client;

	if (strlen(path) >= sizeof(address.sun_path)) {
		errno = ENAMETOOLONG;
		fail(path);
	}
	memcpy(address.sun_path, path, strlen(path));
	if (listener < 0 ||
	    bind(listener, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(listener, 1) < 0)
		fail(path);
	client = accept(listener, NULL, NULL);
	if (client < 0)
		fail("accept");
	close(listener);
	return client;
}

static void send_buffer(int client, int dmabuf, uint32_t stride)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct iovec data = { &stride, sizeof(stride) };
	struct msghdr message = { .msg_iov = &data,
				  .msg_iovlen = 1,
				  .msg_control = &control,
				  .msg_controllen = sizeof(control) };
	struct cmsghdr *fds = CMSG_FIRSTHDR(&message);

	fds->cmsg_level = SOL_SOCKET;
	fds->cmsg_type = SCM_RIGHTS;
	fds->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(fds), &dmabuf, sizeof(int));
	if (sendmsg(client, &message, 0) != sizeof(stride))
		fail("sendmsg");
}

static void attach(struct fenced *fenced)
{
	struct drm_vgem_fence_attach request = { .handle = fenced->handle,
						 .flags = VGEM_FENCE_WRITE };

	if (fenced->count == FENCES_MAX ||
	    ioctl(fenced->card, DRM_IOCTL_VGEM_FENCE_ATTACH, &request) < 0)
		fail("DRM_IOCTL_VGEM_FENCE_ATTACH");
	fenced->fences[fenced->count++] = request.out_fence;
}

static void signal_all(struct fenced *fenced)
{
	while (fenced->count > 0) {
		struct drm_vgem_fence_signal request = {
			.fence = fenced->fences[--fenced->count]
		};

		/* ETIMEDOUT: the kernel was first */
		if (ioctl(fenced->card, DRM_IOCTL_VGEM_FENCE_SIGNAL, &request) <
			    0 &&
		    errno != ETIMEDOUT)
			fail("DRM_IOCTL_VGEM_FENCE_SIGNAL");
	}
}

int main(int argc, char **argv)
{
	struct fenced fenced = { 0 };
	struct drm_mode_create_dumb create = { .bpp = 32 };
	struct drm_prime_handle export = { .flags = DRM_CLOEXEC | DRM_RDWR };
	char command;
	int client;

	if (argc != 4) {
		fprintf(stderr, "usage: fenced-buffer SOCKET WIDTH HEIGHT\n");
		return 2;
	}
	create.width = (uint32_t)strtoul(argv[2], NULL, 10);
	create.height = (uint32_t)strtoul(argv[3], NULL, 10);
	fenced.card = open_vgem();
	if (ioctl(fenced.card, DRM_IOCTL_MODE_CREATE_DUMB, &create) < 0)
		fail("DRM_IOCTL_MODE_CREATE_DUMB");
	fenced.handle = export.handle = create.handle;
	if (ioctl(fenced.card, DRM_IOCTL_PRIME_HANDLE_TO_FD, &export) < 0)
		fail("DRM_IOCTL_PRIME_HANDLE_TO_FD");
	client = accept_one(argv[1]);
	send_buffer(client, export.fd, create.pitch);
	while (read(client, &command, 1) == 1) {
		if (command == 'a')
			attach(&fenced);
		else
			signal_all(&fenced);
		if (write(client, &command, 1) != 1)
			fail("write");
	}
	signal_all(&fenced);
	return 0;
}
