/* SPDX-License-Identifier: MIT */
/* One display of the guest: its picture and the buffers it is drawn into. */
#ifndef HEAD_H
#define HEAD_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "dmabuf.h"
#include "options.h"
#include "picture.h"
#include "vug.h"

struct head_buffer {
	struct dmabuf dmabuf; /* with --pixels: plain memory, fd < 0 */
	int phase;	      /* what is drawn in it, < 0: nothing */
};

struct head {
	unsigned int id;
	struct picture picture;
	struct head_buffer buffers[BUFFERS_MAX];
	unsigned int buffer_count;
	bool announced; /* on this connection */
};

/* 0 or -errno, *what naming the step; head_close is due either way. */
int head_open(struct head *head, const struct options *options, unsigned int id,
	      uint32_t width, uint32_t height, const char **what);
void head_close(struct head *head);

/* One line for each picture the head will show. */
int head_write_crcs(const struct head *head, const struct options *options,
		    FILE *file);

/* Draws frame n where it is not drawn yet, and sends it. Errors as vug.h's. */
int head_show(struct head *head, const struct options *options, struct vug *vug,
	      unsigned long n, const char **what);

int head_define_cursor(const struct head *head, struct vug *vug);
int head_move_cursor(const struct head *head, struct vug *vug, unsigned long n);

#endif
