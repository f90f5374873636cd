/* SPDX-License-Identifier: MIT */
/* One guest on one panel: requests in, flips out, answers back. */
#ifndef SHOW_H
#define SHOW_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "guest-link.h"
#include "panel.h"

#define CACHE_MAX 32

/* The fd is kept so that its inode number stays this buffer's. */
struct cached {
	dev_t device;
	ino_t inode;
	struct layout layout;
	int fd;
	uint32_t framebuffer;
};

struct show {
	int card;
	struct panel *panel;
	int listener;
	struct guest_link link;
	struct cached cache[CACHE_MAX];
	unsigned int cached;
	uint32_t framebuffer;	      /* announced last, 0: none */
	unsigned int answers_waiting; /* for a flip not yet committed */
	unsigned int answers_in_flight;
	bool in_flight;
	bool lit;
};

void show_init(struct show *show, int card, struct panel *panel);
void show_readable(struct show *show);
void show_flipped(struct show *show, uint32_t sequence);

#endif
