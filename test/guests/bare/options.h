/* SPDX-License-Identifier: MIT */
/*
 * The command line: words KEY, KEY=VALUE; README.md explains them. A word that
 * is none of these fails.
 */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#define HEADS_MAX 16 /* VIRTIO_GPU_MAX_SCANOUTS */
#define SIDE_MIN  64 /* of a mode, pixels */
#define SIDE_MAX  8192

#define BUFFERS_USUAL 3
#define BUFFERS_MAX   8

enum device { DEVICE_ANY, DEVICE_VGA, DEVICE_VIRTIO };

enum motion {
	MOTION_STATIC,
	MOTION_ANIM, /* one buffer, drawn into while it is shown */
	MOTION_FLIP,
};

struct options {
	const char *name;
	uint32_t width, height;
	bool mode_given;
	enum device device;
	enum motion motion;
	uint32_t buffers; /* each head's; 1 unless MOTION_FLIP */
	bool solid, blob, follow;
	bool cursor, cursor_fixed;
	uint32_t cursor_x, cursor_y;
	uint32_t heads, rate, bpp;
	/* beats, 0: never */
	uint32_t sleep_after, reset_after, halt_after, off_after, panic_after;
	bool trace;
};

/* Keeps pointers into the line, which it cuts into words. */
void options_parse(struct options *options, char *line);

#endif
