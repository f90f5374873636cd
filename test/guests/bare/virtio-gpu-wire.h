/* SPDX-License-Identifier: MIT */
/*
 * What virtio-gpu's queues carry: Virtual I/O Device Version 1.2, 5.7, where
 * the names come from.
 */
#ifndef VIRTIO_GPU_WIRE_H
#define VIRTIO_GPU_WIRE_H

#include <stdint.h>

#include "options.h"

#define CONTROL_QUEUE	0
#define CURSOR_QUEUE	1
#define F_RESOURCE_BLOB (1u << 3)
#define EVENT_DISPLAY	(1u << 0)

#define CMD_GET_DISPLAY_INFO	    0x100
#define CMD_RESOURCE_CREATE_2D	    0x101
#define CMD_RESOURCE_UNREF	    0x102
#define CMD_SET_SCANOUT		    0x103
#define CMD_RESOURCE_FLUSH	    0x104
#define CMD_TRANSFER_TO_HOST_2D	    0x105
#define CMD_RESOURCE_ATTACH_BACKING 0x106
#define CMD_RESOURCE_CREATE_BLOB    0x10c
#define CMD_SET_SCANOUT_BLOB	    0x10d
#define CMD_UPDATE_CURSOR	    0x300
#define CMD_MOVE_CURSOR		    0x301
#define RESP_OK_NODATA		    0x1100
#define RESP_OK_DISPLAY_INFO	    0x1101

#define FORMAT_B8G8R8A8		1
#define FORMAT_B8G8R8X8		2
#define FLAG_FENCE		1
#define BLOB_MEM_GUEST		1
#define BLOB_FLAG_USE_SHAREABLE 2

struct gpu_config {
	uint32_t events_read, events_clear, num_scanouts, num_capsets;
};

struct gpu_header {
	uint32_t type, flags;
	uint64_t fence;
	uint32_t context, ring_and_padding;
};

struct gpu_rect {
	uint32_t x, y, width, height;
};

struct gpu_display_info {
	struct gpu_header header;
	struct {
		struct gpu_rect rect;
		uint32_t enabled, flags;
	} heads[HEADS_MAX];
};

struct gpu_create_2d {
	struct gpu_header header;
	uint32_t resource, format, width, height;
};

struct gpu_unref {
	struct gpu_header header;
	uint32_t resource, padding;
};

struct gpu_set_scanout {
	struct gpu_header header;
	struct gpu_rect rect;
	uint32_t scanout, resource;
};

struct gpu_flush {
	struct gpu_header header;
	struct gpu_rect rect;
	uint32_t resource, padding;
};

struct gpu_transfer {
	struct gpu_header header;
	struct gpu_rect rect;
	uint64_t offset;
	uint32_t resource, padding;
};

struct gpu_memory_entry {
	uint64_t address;
	uint32_t size, padding;
};

/* with its one entry */
struct gpu_attach_backing {
	struct gpu_header header;
	uint32_t resource, entries;
	struct gpu_memory_entry entry;
};

/* with its one entry */
struct gpu_create_blob {
	struct gpu_header header;
	uint32_t resource, memory, flags, entries;
	uint64_t id, size;
	struct gpu_memory_entry entry;
};

struct gpu_set_scanout_blob {
	struct gpu_header header;
	struct gpu_rect rect;
	uint32_t scanout, resource, width, height, format, padding;
	uint32_t strides[4], offsets[4];
};

struct gpu_cursor {
	struct gpu_header header;
	uint32_t scanout, x, y, position_padding;
	uint32_t resource, hot_x, hot_y, padding;
};

_Static_assert(sizeof(struct gpu_create_blob) == 72, "no padding");
_Static_assert(sizeof(struct gpu_transfer) == 56, "no padding");

#endif
