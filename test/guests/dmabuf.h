/* SPDX-License-Identifier: MIT */
/*
 * Linear 32-bit buffers as dma-bufs, from memory any process may have:
 * /dev/udmabuf wraps pages of a memfd, /dev/dma_heap/system allocates them.
 */
#ifndef DMABUF_H
#define DMABUF_H

#include <stddef.h>
#include <stdint.h>

enum dmabuf_source {
	DMABUF_UDMABUF,
	DMABUF_HEAP,
};

struct dmabuf {
	int fd;
	uint32_t width, height;
	uint32_t stride; /* bytes */
	size_t size;
	uint32_t *pixels; /* mapped; draw between begin and end only */
};

/* 0 or -errno; *what then names the step that failed. */
int dmabuf_allocate(struct dmabuf *buffer, enum dmabuf_source source,
		    uint32_t width, uint32_t height, const char **what);
void dmabuf_free(struct dmabuf *buffer);

/* Bracket CPU writes so that a device reading the buffer sees them. */
int dmabuf_begin_write(const struct dmabuf *buffer);
int dmabuf_end_write(const struct dmabuf *buffer);

#endif
