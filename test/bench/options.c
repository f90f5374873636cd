// SPDX-License-Identifier: MIT
#include "options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

static void __attribute__((noreturn)) fail(const char *usage)
{
	fputs(usage, stderr);
	exit(2);
}

static unsigned long number(const char *text, unsigned long max,
			    const char *usage)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (end == text || *end || value > max)
		fail(usage);
	return value;
}

void options_parse(struct options *options, int argc, char **argv,
		   const char *usage)
{
	static const struct option table[] = {
		{ "card", required_argument, NULL, 'c' },
		{ "socket", required_argument, NULL, 's' },
		{ "outputs", required_argument, NULL, 'o' },
		{ "buffers", required_argument, NULL, 'b' },
		{ "mode", required_argument, NULL, 'm' },
		{ "frames", required_argument, NULL, 'f' },
		{ "warmup", required_argument, NULL, 'w' },
		{ 0 },
	};
	int option;

	*options = (struct options){
		.card = "/dev/dri/card0",
		.outputs = 1,
		.buffers = 3,
		.width = 1920,
		.height = 1080,
		.frames = 600,
		.warmup = 60,
	};
	while ((option = getopt_long(argc, argv, "", table, NULL)) != -1) {
		switch (option) {
		case 'c':
			options->card = optarg;
			break;
		case 's':
			if (options->socket_count == PANELS_MAX)
				fail(usage);
			options->sockets[options->socket_count++] = optarg;
			break;
		case 'o':
			options->outputs =
				(unsigned int)number(optarg, PANELS_MAX, usage);
			break;
		case 'b':
			options->buffers =
				(unsigned int)number(optarg, 16, usage);
			break;
		case 'm':
			if (sscanf(optarg, "%ux%u", &options->width,
				   &options->height) != 2)
				fail(usage);
			break;
		case 'f':
			options->frames = number(optarg, 100000000, usage);
			break;
		case 'w':
			options->warmup = number(optarg, 100000000, usage);
			break;
		default:
			fail(usage);
		}
	}
	if (optind < argc || options->outputs == 0 || options->buffers == 0)
		fail(usage);
}
