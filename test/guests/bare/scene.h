/* SPDX-License-Identifier: MIT */
/*
 * The picture of a head:
 *
 *	+----------------------+   a white line all around; in the top one the
 *	|         NAME         |   first 257 pixels are what the keyboard sent
 *	|    HEAD 0 1024X768   |   a gradient of checks in the name's colours
 *	|====[7]===============|   with motion: a block that moves, the frame
 *	| KEYS 2: 1E 9E        |
 *	| MOUSE 0 0 WHEEL 0    |
 *	+----------------------+
 */
#ifndef SCENE_H
#define SCENE_H

#include <stdbool.h>
#include <stdint.h>

#include "canvas.h"
#include "options.h"
#include "ps2.h"

struct scene {
	const struct options *options;
	const char *path; /* how pixels reach the display */
	uint32_t head;
};

/* What is in a buffer; all zero: nothing. */
struct scene_drawn {
	bool painted;
	uint32_t frame, changes;
};

/* Draws what differs, and says where. */
struct rect scene_draw(const struct scene *scene, const struct canvas *canvas,
		       struct scene_drawn *drawn, uint32_t frame,
		       const struct ps2_state *input);

#endif
