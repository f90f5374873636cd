/* SPDX-License-Identifier: MIT */
/*
 * A client of the vhost-user-gpu display protocol: what a virtual GPU needs
 * to show its heads through a display daemon. Copy the vug files into a VMM,
 * compile them with _GNU_SOURCE (for ppoll), and call in this order:
 *
 *	vug_connect, vug_handshake, vug_display_info [, vug_read_edid]
 *	then per frame: vug_scanout_dmabuf, vug_update_dmabuf, vug_wait_update
 *	or, without dma-bufs: vug_scanout_pixels once, vug_update_pixels
 *
 * Functions return 0 or a negative errno:
 *	-EPIPE      the daemon closed the connection
 *	-EPROTO     it answered something the protocol does not allow
 *	-ETIMEDOUT  it neither read nor answered within struct vug.timeout_ms
 *	-EINTR      a signal came while waiting
 * After any of them a message may be half sent or half read: vug_close and,
 * if wanted, connect anew.
 */
#ifndef VUG_H
#define VUG_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "vug-wire.h"

struct vug {
	int fd;
	uint64_t features; /* what both sides speak, set by vug_handshake */
	int timeout_ms;	   /* patience for one answer or one send */
	const sigset_t *sigmask; /* mask while waiting, as for ppoll; or NULL */
};

struct vug_rect {
	uint32_t x, y, width, height;
};

/* One plane of a dma-buf; `view` is the part of it that is the picture. */
struct vug_dmabuf {
	int fd;
	uint32_t width, height, stride;
	uint32_t flags;
	uint32_t fourcc;
	uint64_t modifier;
	struct vug_rect view;
};

void vug_init(struct vug *vug);

/* Retries while nobody listens at path, for at most wait_ms (< 0: for ever). */
int vug_connect(struct vug *vug, const char *path, int wait_ms);
void vug_close(struct vug *vug);

/* Agrees on the features both the daemon and `wanted` name. */
int vug_handshake(struct vug *vug, uint64_t wanted);
int vug_display_info(struct vug *vug, struct vug_display_info *info);
int vug_read_edid(struct vug *vug, uint32_t head, struct vug_edid *edid);

/*
 * Sent as version 2, which names the modifier, where the handshake agreed on
 * it, and as version 1 otherwise. The fd stays the caller's. There is no
 * answer: a daemon that cannot use the buffer closes the connection.
 */
int vug_scanout_dmabuf(struct vug *vug, uint32_t head,
		       const struct vug_dmabuf *buffer);

/*
 * Every update is answered once it is visible. An answer does not name its
 * head, so with several in flight count the answers, and ask nothing else
 * before the last has come.
 */
int vug_update_dmabuf(struct vug *vug, uint32_t head,
		      const struct vug_rect *damage);
int vug_wait_update(struct vug *vug);

/* Never answered. Pixels are XRGB8888, row after row without gaps. */
int vug_scanout_pixels(struct vug *vug, uint32_t head, uint32_t width,
		       uint32_t height);
int vug_update_pixels(struct vug *vug, uint32_t head,
		      const struct vug_rect *rect, const uint32_t *pixels);
int vug_scanout_off(struct vug *vug, uint32_t head);

/* x and y are where the image's top left corner goes; ARGB8888, 64 x 64. */
int vug_cursor_define(struct vug *vug, const struct vug_cursor_update *cursor);
int vug_cursor_move(struct vug *vug, uint32_t head, uint32_t x, uint32_t y,
		    bool visible);

/*
 * Sleeps until CLOCK_MONOTONIC reaches until_ns (INT64_MAX: for ever) and
 * ends early with -EPIPE when the daemon goes away.
 */
int vug_idle(struct vug *vug, int64_t until_ns);
int64_t vug_now_ns(void);

#endif
