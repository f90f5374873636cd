// SPDX-License-Identifier: MIT
#include "options.h"

#include <stddef.h>
#include <string.h>

#include "log.h"
#include "timer.h"

#define NUMBER_MAX 1000000000

/* Reads digits; *text is left after them. */
static uint32_t digits(const char **text, const char *word)
{
	uint32_t value = 0;

	if (**text < '0' || **text > '9')
		fail("option %s: no number", word);
	for (; **text >= '0' && **text <= '9'; (*text)++) {
		value = value * 10 + (uint32_t)(**text - '0');
		if (value > NUMBER_MAX / 10)
			fail("option %s: too large", word);
	}
	return value;
}

static uint32_t number(const char *text, uint32_t min, uint32_t max,
		       const char *word)
{
	uint32_t value = digits(&text, word);

	if (*text || value < min || value > max)
		fail("option %s: not a number from %u to %u", word, min, max);
	return value;
}

static void pair(const char *text, char separator, uint32_t *first,
		 uint32_t *second, const char *word)
{
	*first = digits(&text, word);
	if (*text != separator)
		fail("option %s: not two numbers", word);
	text++;
	*second = digits(&text, word);
	if (*text)
		fail("option %s: more than two numbers", word);
}

static enum device device(const char *value)
{
	if (strcmp(value, "vga") == 0)
		return DEVICE_VGA;
	if (strcmp(value, "virtio") != 0)
		fail("option device: neither vga nor virtio");
	return DEVICE_VIRTIO;
}

static void set_mode(struct options *options, const char *value)
{
	pair(value, 'x', &options->width, &options->height, "mode");
	if (options->width < SIDE_MIN || options->width > SIDE_MAX ||
	    options->height < SIDE_MIN || options->height > SIDE_MAX)
		fail("option mode: not a size from %ux%u to %ux%u", SIDE_MIN,
		     SIDE_MIN, SIDE_MAX, SIDE_MAX);
	options->mode_given = true;
}

static void set_value(struct options *options, const char *key,
		      const char *value)
{
	if (strcmp(key, "name") == 0)
		options->name = value;
	else if (strcmp(key, "mode") == 0)
		set_mode(options, value);
	else if (strcmp(key, "device") == 0)
		options->device = device(value);
	else if (strcmp(key, "heads") == 0)
		options->heads = number(value, 1, HEADS_MAX, key);
	else if (strcmp(key, "rate") == 0)
		options->rate = number(value, 0, TIMER_RATE_MAX, key);
	else if (strcmp(key, "bpp") == 0)
		options->bpp = number(value, 16, 32, key);
	else if (strcmp(key, "sleepafter") == 0)
		options->sleep_after = number(value, 1, NUMBER_MAX, key);
	else if (strcmp(key, "resetafter") == 0)
		options->reset_after = number(value, 1, NUMBER_MAX, key);
	else if (strcmp(key, "haltafter") == 0)
		options->halt_after = number(value, 1, NUMBER_MAX, key);
	else if (strcmp(key, "offafter") == 0)
		options->off_after = number(value, 1, NUMBER_MAX, key);
	else if (strcmp(key, "panicafter") == 0)
		options->panic_after = number(value, 1, NUMBER_MAX, key);
	else if (strcmp(key, "flip") == 0) {
		options->motion = MOTION_FLIP;
		options->buffers = number(value, 2, BUFFERS_MAX, key);
	} else if (strcmp(key, "cursor") == 0) {
		options->cursor = options->cursor_fixed = true;
		pair(value, ',', &options->cursor_x, &options->cursor_y, key);
	} else
		fail("unknown option %s=%s", key, value);
}

static void set_flag(struct options *options, const char *key)
{
	if (strcmp(key, "static") == 0)
		options->motion = MOTION_STATIC;
	else if (strcmp(key, "anim") == 0)
		options->motion = MOTION_ANIM;
	else if (strcmp(key, "flip") == 0) {
		options->motion = MOTION_FLIP;
		options->buffers = BUFFERS_USUAL;
	} else if (strcmp(key, "solid") == 0)
		options->solid = true;
	else if (strcmp(key, "blob") == 0)
		options->blob = true;
	else if (strcmp(key, "cursor") == 0)
		options->cursor = true;
	else if (strcmp(key, "follow") == 0)
		options->follow = true;
	else if (strcmp(key, "trace") == 0)
		options->trace = true;
	else
		fail("unknown option %s", key);
}

static void set(struct options *options, char *word)
{
	char *value = word;

	while (*value && *value != '=')
		value++;
	if (!*value) {
		set_flag(options, word);
		return;
	}
	*value++ = '\0';
	set_value(options, word, value);
}

static void check(struct options *options)
{
	if (options->bpp != 16 && options->bpp != 32)
		fail("option bpp: neither 16 nor 32");
	if (!*options->name)
		fail("option name: empty");
	if (options->motion != MOTION_FLIP)
		options->buffers = 1;
}

void options_parse(struct options *options, char *line)
{
	*options = (struct options){
		.name = "bare",
		.width = 1024,
		.height = 768,
		.heads = 1,
		.rate = 30,
		.bpp = 32,
	};
	while (*line) {
		char *word;

		while (*line == ' ')
			*line++ = '\0';
		word = line;
		while (*line && *line != ' ')
			line++;
		if (*line)
			*line++ = '\0';
		if (*word)
			set(options, word);
	}
	check(options);
}
