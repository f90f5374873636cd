// SPDX-License-Identifier: MIT
#include "dmabuf.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/dma-buf.h>
#include <linux/dma-heap.h>
#include <linux/udmabuf.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define UDMABUF_PATH "/dev/udmabuf"
#define HEAP_PATH    "/dev/dma_heap/system"

/* The strictest scanout engines want pitches in multiples of this. */
#define STRIDE_ALIGN 256u

static int from_udmabuf(size_t size, const char **what)
{
	struct udmabuf_create create = {
		.flags = UDMABUF_FLAGS_CLOEXEC,
		.size = size,
	};
	int device = -1;
	int memfd = -1;
	int ret;

	*what = UDMABUF_PATH;
	device = open(UDMABUF_PATH, O_RDWR | O_CLOEXEC);
	if (device < 0)
		goto fail;
	*what = "memfd_create";
	memfd = memfd_create("guest-framebuffer",
			     MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (memfd < 0)
		goto fail;
	*what = "ftruncate";
	if (ftruncate(memfd, (off_t)size) < 0)
		goto fail;
	/* udmabuf pins the pages and insists that none can be cut off */
	*what = "F_ADD_SEALS";
	if (fcntl(memfd, F_ADD_SEALS, F_SEAL_SHRINK) < 0)
		goto fail;
	*what = "UDMABUF_CREATE";
	create.memfd = (uint32_t)memfd;
	ret = ioctl(device, UDMABUF_CREATE, &create);
	if (ret >= 0)
		goto out;
fail:
	ret = -errno;
out:
	if (memfd >= 0)
		close(memfd);
	if (device >= 0)
		close(device);
	return ret;
}

static int from_heap(size_t size, const char **what)
{
	struct dma_heap_allocation_data request = {
		.len = size,
		.fd_flags = O_RDWR | O_CLOEXEC,
	};
	int heap;
	int ret;

	*what = HEAP_PATH;
	heap = open(HEAP_PATH, O_RDONLY | O_CLOEXEC);
	if (heap < 0)
		return -errno;
	*what = "DMA_HEAP_IOCTL_ALLOC";
	ret = ioctl(heap, DMA_HEAP_IOCTL_ALLOC, &request) < 0 ? -errno
							      : (int)request.fd;
	close(heap);
	return ret;
}

int dmabuf_allocate(struct dmabuf *buffer, enum dmabuf_source source,
		    uint32_t width, uint32_t height, const char **what)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	void *pixels;
	int ret;

	*buffer = (struct dmabuf){ .fd = -1, .width = width, .height = height };
	buffer->stride = (width * 4 + STRIDE_ALIGN - 1) & ~(STRIDE_ALIGN - 1);
	buffer->size =
		((size_t)buffer->stride * height + page - 1) & ~(page - 1);
	buffer->fd = source == DMABUF_HEAP ? from_heap(buffer->size, what)
					   : from_udmabuf(buffer->size, what);
	if (buffer->fd < 0)
		return buffer->fd;
	*what = "mmap of the dma-buf";
	pixels = mmap(NULL, buffer->size, PROT_READ | PROT_WRITE, MAP_SHARED,
		      buffer->fd, 0);
	if (pixels == MAP_FAILED) {
		ret = -errno;
		dmabuf_free(buffer);
		return ret;
	}
	buffer->pixels = pixels;
	return 0;
}

void dmabuf_free(struct dmabuf *buffer)
{
	if (buffer->pixels)
		munmap(buffer->pixels, buffer->size);
	if (buffer->fd >= 0)
		close(buffer->fd);
	*buffer = (struct dmabuf){ .fd = -1 };
}

static int sync_write(const struct dmabuf *buffer, uint64_t edge)
{
	struct dma_buf_sync sync = { .flags = DMA_BUF_SYNC_WRITE | edge };
	int ret;

	do
		ret = ioctl(buffer->fd, DMA_BUF_IOCTL_SYNC, &sync);
	while (ret < 0 && (errno == EINTR || errno == EAGAIN));
	return ret < 0 ? -errno : 0;
}

int dmabuf_begin_write(const struct dmabuf *buffer)
{
	return sync_write(buffer, DMA_BUF_SYNC_START);
}

int dmabuf_end_write(const struct dmabuf *buffer)
{
	return sync_write(buffer, DMA_BUF_SYNC_END);
}
