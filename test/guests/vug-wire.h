/* SPDX-License-Identifier: MIT */
/*
 * vhost-user-gpu on the wire: every number and every struct of the display
 * protocol. Fields are in the machine's byte order, without padding; each
 * message is a header and `size` bytes of payload.
 */
#ifndef VUG_WIRE_H
#define VUG_WIRE_H

#include <stdint.h>

#define VUG_HEADS_MAX	16
#define VUG_EDID_MAX	1024
#define VUG_CURSOR_SIDE 64

enum vug_request {
	VUG_GET_PROTOCOL_FEATURES = 1,
	VUG_SET_PROTOCOL_FEATURES = 2,
	VUG_GET_DISPLAY_INFO = 3,
	VUG_CURSOR_POS = 4,
	VUG_CURSOR_POS_HIDE = 5,
	VUG_CURSOR_UPDATE = 6,
	VUG_SCANOUT = 7,
	VUG_UPDATE = 8,
	VUG_DMABUF_SCANOUT = 9,
	VUG_DMABUF_UPDATE = 10,
	VUG_GET_EDID = 11,
	VUG_DMABUF_SCANOUT2 = 12,
};

/* vug_header.flags: set on every reply, clear on every request */
#define VUG_FLAG_REPLY 0x4u

#define VUG_FEATURE_EDID    (UINT64_C(1) << 0)
#define VUG_FEATURE_DMABUF2 (UINT64_C(1) << 1)

/* vug_dmabuf_scanout.flags; despite its name: row 0 is the bottom line */
#define VUG_DMABUF_Y_0_TOP 0x1u

#define VUG_FOURCC(a, b, c, d)                                                 \
	((uint32_t)(a) | (uint32_t)(b) << 8 | (uint32_t)(c) << 16 |            \
	 (uint32_t)(d) << 24)
#define VUG_FORMAT_XRGB8888  VUG_FOURCC('X', 'R', '2', '4')
#define VUG_FORMAT_ARGB8888  VUG_FOURCC('A', 'R', '2', '4')
#define VUG_MODIFIER_LINEAR  UINT64_C(0)
#define VUG_MODIFIER_INVALID UINT64_C(0x00ffffffffffffff)

struct vug_header {
	uint32_t request;
	uint32_t flags;
	uint32_t size;
};

struct vug_cursor_pos {
	uint32_t head;
	uint32_t x;
	uint32_t y;
};

struct vug_cursor_update {
	struct vug_cursor_pos pos;
	uint32_t hot_x;
	uint32_t hot_y;
	uint32_t pixels[VUG_CURSOR_SIDE * VUG_CURSOR_SIDE];
};

struct vug_scanout {
	uint32_t head;
	uint32_t width;
	uint32_t height;
};

/* VUG_UPDATE: followed by width * height * 4 bytes; VUG_DMABUF_UPDATE: alone */
struct vug_update {
	uint32_t head;
	uint32_t x;
	uint32_t y;
	uint32_t width;
	uint32_t height;
};

struct vug_dmabuf_scanout {
	uint32_t head;
	uint32_t x;
	uint32_t y;
	uint32_t width;
	uint32_t height;
	uint32_t fd_width;
	uint32_t fd_height;
	uint32_t fd_stride;
	uint32_t fd_flags;
	uint32_t fd_fourcc;
};

struct vug_dmabuf_scanout2 {
	struct vug_dmabuf_scanout scanout;
	uint64_t modifier;
};

/*
 * The two big replies are borrowed from virtio-gpu, its header included, and
 * little endian as all of virtio is. Elsewhere their fields need swapping.
 */
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "virtio replies");
#define VUG_VIRTIO_OK_DISPLAY_INFO 0x1101u
#define VUG_VIRTIO_OK_EDID	   0x1104u

struct vug_virtio_header {
	uint32_t type;
	uint32_t flags;
	uint64_t fence_id;
	uint32_t ctx_id;
	uint32_t padding;
};

struct vug_display {
	uint32_t x;
	uint32_t y;
	uint32_t width;
	uint32_t height;
	uint32_t enabled;
	uint32_t flags;
};

struct vug_display_info {
	struct vug_virtio_header header;
	struct vug_display displays[VUG_HEADS_MAX];
};

struct vug_edid {
	struct vug_virtio_header header;
	uint32_t size;
	uint32_t padding;
	uint8_t bytes[VUG_EDID_MAX];
};

_Static_assert(sizeof(struct vug_header) == 12, "header");
_Static_assert(sizeof(struct vug_cursor_pos) == 12, "cursor position");
_Static_assert(sizeof(struct vug_cursor_update) == 16404, "cursor");
_Static_assert(sizeof(struct vug_scanout) == 12, "scanout");
_Static_assert(sizeof(struct vug_update) == 20, "update");
_Static_assert(sizeof(struct vug_dmabuf_scanout) == 40, "dmabuf scanout");
_Static_assert(sizeof(struct vug_dmabuf_scanout2) == 48, "dmabuf scanout 2");
_Static_assert(sizeof(struct vug_display_info) == 408, "display info");
_Static_assert(sizeof(struct vug_edid) == 1056, "edid");

#endif
