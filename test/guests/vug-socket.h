/* SPDX-License-Identifier: MIT */
/* One message out, one reply in. Errors as in vug.h, which callers include. */
#ifndef VUG_SOCKET_H
#define VUG_SOCKET_H

#include "vug.h"

/*
 * Header, payload, then `data` (pixels), with fd (< 0: none) attached to the
 * first byte.
 */
int vug_send(struct vug *vug, uint32_t request, const void *payload,
	     uint32_t size, const void *data, uint32_t data_size, int fd);

/* Takes a reply to `request` of exactly `size` bytes; others are -EPROTO. */
int vug_receive_reply(struct vug *vug, uint32_t request, void *payload,
		      uint32_t size);

#endif
