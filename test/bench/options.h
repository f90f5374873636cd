/* SPDX-License-Identifier: MIT */
/* The command line both peers share. */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <stdint.h>

#include "panel.h"

struct options {
	const char *card;
	const char *sockets[PANELS_MAX]; /* one per panel; c-daemon */
	unsigned int socket_count;
	unsigned int outputs; /* flip-loop */
	unsigned int buffers; /* flip-loop */
	unsigned int width, height;
	uint64_t frames, warmup; /* of each panel */
};

/* Exits with status 2, having said why, when the line is wrong. */
void options_parse(struct options *options, int argc, char **argv,
		   const char *usage);

#endif
