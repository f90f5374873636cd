/* SPDX-License-Identifier: MIT */
/* The command line of picture-guest. */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "dmabuf.h"
#include "vug-wire.h"

#define BUFFERS_MAX 16

struct options {
	const char *socket;
	const char *name;
	const char *crc_file; /* or NULL */
	bool colour_given;
	uint32_t colour;
	unsigned int heads[VUG_HEADS_MAX];
	unsigned int head_count;
	uint32_t width, height; /* 0: ask the daemon */
	unsigned int buffers;
	unsigned long frames; /* 0: endless */
	unsigned int fps;     /* 0: whenever the last is answered */
	int wait_ms;	      /* for the daemon to listen */
	uint32_t fourcc;
	enum dmabuf_source source;
	bool in_place;
	bool v1;
	bool pixels;
	bool damage;
	bool cursor;
	bool reconnect;
	bool still;
	bool stats;
};

/* Exits, having said why, when the line is wrong or asks for help. */
void options_parse(struct options *options, int argc, char **argv);

#endif
