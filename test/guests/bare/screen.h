/* SPDX-License-Identifier: MIT */
/* One display, whichever device it is on, and the buffers it shows. */
#ifndef SCREEN_H
#define SCREEN_H

#include <stdbool.h>
#include <stdint.h>

#include "canvas.h"
#include "multiboot.h"
#include "scene.h"

struct screen_buffer {
	struct canvas canvas;
	struct scene_drawn drawn;
	uint32_t resource; /* virtio-gpu's number for it */
};

struct screen {
	struct scene scene;
	bool on;
	struct screen_buffer buffers[BUFFERS_MAX];
	uint32_t buffer_count, next;
	const struct screen_buffer *shown;
	/* Makes the buffer, which changed within the damage, the shown one. */
	void (*show)(struct screen *screen, const struct screen_buffer *buffer,
		     const struct rect *damage);

	struct memory memory;		     /* virtio-gpu: for buffers */
	bool upper_half;		     /* of memory, with `follow` */
	uint32_t old_resources[BUFFERS_MAX]; /* of the mode before, 0: none */
};

/* Draws the frame in the next buffer and shows it if that changed anything. */
void screen_draw(struct screen *screen, uint32_t frame,
		 const struct ps2_state *input);

#endif
