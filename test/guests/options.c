// SPDX-License-Identifier: MIT
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "picture.h"

#define NAME_MAX_LENGTH 24
#define PIXELS_FPS	60

/* clang-format off */
static const char help[] =
"Usage: picture-guest --socket PATH [OPTION...]\n"
"Stands in for a virtual machine: shows moving test pictures through a\n"
"display daemon that speaks the vhost-user-gpu display protocol.\n"
"\n"
"  --socket PATH      where the daemon listens\n"
"  --name NAME        written into the picture (guest)\n"
"  --colour RRGGBB    colour field (one per head)\n"
"  --head N           use head N; may be repeated (0)\n"
"  --heads N          use heads 0 to N-1\n"
"  --size WxH         (what the daemon's display info, then its EDID, says)\n"
"  --format FOURCC    XR24 or AR24 (XR24)\n"
"  --buffers N        flip among N buffers, 1 to 16 (3); 8 or 16 are drawn once\n"
"  --in-place         one buffer, announced once and then only updated\n"
"  --heap             buffers from /dev/dma_heap/system, not /dev/udmabuf\n"
"  --v1               DMABUF_SCANOUT even where DMABUF_SCANOUT2 is offered\n"
"  --pixels           send pixels, no buffers\n"
"  --damage           name the changed rows only, not the whole picture\n"
"  --cursor           define a cursor and move it\n"
"  --frames N         end after N frames of each head (endless)\n"
"  --fps N            0: as fast as answers come (0, with --pixels 60)\n"
"  --static           show one frame and stay\n"
"  --reconnect        come back when the daemon goes\n"
"  --wait SECONDS     for the daemon to listen (10)\n"
"  --crc-file PATH    write HEAD PHASE WxH CRC per picture, CRCs as vkms's\n"
"  --stats            end with a line of JSON\n"
"  --help\n"
"\n"
"Exit status: 0 done or SIGTERM, 1 error, 2 usage, 3 closed by the daemon.\n";
/* clang-format on */

static void __attribute__((noreturn)) wrong(const char *text, const char *why)
{
	fprintf(stderr, "picture-guest: %s %s; see --help\n", text, why);
	exit(2);
}

static unsigned long number(const char *text, int base, unsigned long max)
{
	char *end;
	unsigned long value;

	errno = 0;
	value = strtoul(text, &end, base);
	if (errno || end == text || *end || *text == '-' || value > max)
		wrong(text, "is not a number in range");
	return value;
}

static void parse_size(struct options *options, const char *text)
{
	char end;

	if (sscanf(text, "%ux%u%c", &options->width, &options->height, &end) !=
		    2 ||
	    options->width < PICTURE_SIDE_MIN ||
	    options->width > PICTURE_SIDE_MAX ||
	    options->height < PICTURE_SIDE_MIN ||
	    options->height > PICTURE_SIDE_MAX)
		wrong(text, "is not a size from 64x64 to 16384x16384");
}

/* It is drawn, and printed as JSON unquoted. */
static void parse_name(struct options *options, const char *text)
{
	static const char allowed[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
		"0123456789 :-._";

	if (!*text || strlen(text) > NAME_MAX_LENGTH ||
	    text[strspn(text, allowed)])
		wrong(text, "is not 1 to 24 letters, digits or :-._");
	options->name = text;
}

static void add_head(struct options *options, unsigned int head)
{
	for (unsigned int i = 0; i < options->head_count; i++) {
		if (options->heads[i] == head)
			return;
	}
	options->heads[options->head_count++] = head;
}

static void add_heads(struct options *options, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++)
		add_head(options, i);
}

static void parse_format(struct options *options, const char *text)
{
	if (strcmp(text, "XR24") == 0)
		options->fourcc = VUG_FORMAT_XRGB8888;
	else if (strcmp(text, "AR24") == 0)
		options->fourcc = VUG_FORMAT_ARGB8888;
	else
		wrong(text, "is neither XR24 nor AR24");
}

static void set_value(struct options *options, char option, const char *text)
{
	switch (option) {
	case 's':
		options->socket = text;
		break;
	case 'n':
		parse_name(options, text);
		break;
	case 'c':
		options->colour = (uint32_t)number(text, 16, 0xffffff);
		options->colour_given = true;
		break;
	case 'h':
		add_head(options,
			 (unsigned int)number(text, 10, VUG_HEADS_MAX - 1));
		break;
	case 'H':
		add_heads(options,
			  (unsigned int)number(text, 10, VUG_HEADS_MAX));
		break;
	case 'z':
		parse_size(options, text);
		break;
	case 'f':
		parse_format(options, text);
		break;
	case 'b':
		options->buffers = (unsigned int)number(text, 10, BUFFERS_MAX);
		if (options->buffers == 0)
			wrong(text, "buffers are too few");
		break;
	case 'F':
		options->frames = number(text, 10, ULONG_MAX);
		break;
	case 'r':
		options->fps = (unsigned int)number(text, 10, 1000);
		break;
	case 'w':
		options->wait_ms = (int)number(text, 10, 1000000) * 1000;
		break;
	case 'C':
		options->crc_file = text;
		break;
	}
}

void options_parse(struct options *options, int argc, char **argv)
{
	int heap = 0, in_place = 0, v1 = 0, pixels = 0, damage = 0, cursor = 0;
	int reconnect = 0, still = 0, stats = 0;
	const struct option table[] = {
		{ "socket", required_argument, NULL, 's' },
		{ "name", required_argument, NULL, 'n' },
		{ "colour", required_argument, NULL, 'c' },
		{ "head", required_argument, NULL, 'h' },
		{ "heads", required_argument, NULL, 'H' },
		{ "size", required_argument, NULL, 'z' },
		{ "format", required_argument, NULL, 'f' },
		{ "buffers", required_argument, NULL, 'b' },
		{ "frames", required_argument, NULL, 'F' },
		{ "fps", required_argument, NULL, 'r' },
		{ "wait", required_argument, NULL, 'w' },
		{ "crc-file", required_argument, NULL, 'C' },
		{ "help", no_argument, NULL, '!' },
		{ "heap", no_argument, &heap, 1 },
		{ "in-place", no_argument, &in_place, 1 },
		{ "v1", no_argument, &v1, 1 },
		{ "pixels", no_argument, &pixels, 1 },
		{ "damage", no_argument, &damage, 1 },
		{ "cursor", no_argument, &cursor, 1 },
		{ "reconnect", no_argument, &reconnect, 1 },
		{ "static", no_argument, &still, 1 },
		{ "stats", no_argument, &stats, 1 },
		{ 0 },
	};
	bool fps_given = false;
	int option;

	*options = (struct options){
		.name = "guest",
		.buffers = 3,
		.wait_ms = 10000,
		.fourcc = VUG_FORMAT_XRGB8888,
	};
	while ((option = getopt_long(argc, argv, "", table, NULL)) != -1) {
		if (option == '!') {
			fputs(help, stdout);
			exit(0);
		}
		/* getopt_long has said what was wrong */
		if (option == '?')
			exit(2);
		if (option == 'r')
			fps_given = true;
		if (option)
			set_value(options, (char)option, optarg);
	}
	if (optind < argc)
		wrong(argv[optind], "is one argument too many");
	if (!options->socket)
		wrong("--socket", "is missing");
	if (options->head_count == 0)
		add_head(options, 0);
	if (pixels && !fps_given)
		options->fps = PIXELS_FPS;
	if (in_place || pixels || still)
		options->buffers = 1;
	options->source = heap ? DMABUF_HEAP : DMABUF_UDMABUF;
	options->in_place = in_place;
	options->v1 = v1;
	options->pixels = pixels;
	options->damage = damage;
	options->cursor = cursor;
	options->reconnect = reconnect;
	options->still = still;
	options->stats = stats;
}
