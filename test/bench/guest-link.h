/* SPDX-License-Identifier: MIT */
/*
 * The daemon's end of one guest connection: bytes and fds in, whole messages
 * out. The wire format is that of ../guests/vug-wire.h.
 */
#ifndef GUEST_LINK_H
#define GUEST_LINK_H

#include <stddef.h>
#include <stdint.h>

#include "vug-wire.h"

/* The largest message understood is CURSOR_UPDATE; pixels are not. */
#define LINK_BYTES 32768

struct guest_link {
	int fd;
	int received_fd;   /* came with the bytes just read, or -1 */
	size_t begin, end; /* of the bytes not yet taken */
	_Alignas(4) uint8_t bytes[LINK_BYTES];
};

void link_open(struct guest_link *link, int fd);
void link_close(struct guest_link *link);

/* 1 read something, 0 nothing there, -1 the guest is gone or misbehaves. */
int link_read(struct guest_link *link);

/* 1 a message, 0 none complete, -1 too long. Valid until the next link_read. */
int link_take(struct guest_link *link, struct vug_header *header,
	      const void **payload);
int link_take_fd(struct guest_link *link);

int link_reply(struct guest_link *link, uint32_t request, const void *payload,
	       uint32_t size);

#endif
