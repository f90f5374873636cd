// SPDX-License-Identifier: MIT
#include "scene.h"

#include <string.h>

#include "../font.h"
#include "log.h"

#define BLACK	     0x000000u
#define WHITE	     0xffffffu
#define GREY	     0x303030u
#define COLUMNS	     16u
#define ROWS	     12u
#define HUES	     1536u /* six edges of the colour cube, 256 steps each */
#define TEXT_MAX     256
#define STRIP_MARGIN 8u
#define BLOCK_STEPS  32u
#define KEY_PIXELS   256u
#define FNV_BASIS    2166136261u
#define FNV_PRIME    16777619u
#define GOLDEN	     0x9e3779b1u /* odd: no colour twice in 2^24 frames */

static uint32_t seed(const struct scene *scene)
{
	uint32_t hash = FNV_BASIS;

	for (const char *c = scene->options->name; *c; c++)
		hash = (hash ^ (uint8_t)*c) * FNV_PRIME;
	hash = (hash ^ scene->head) * FNV_PRIME;
	return hash ^ hash >> 15;
}

static uint32_t hue(uint32_t angle)
{
	uint32_t up = angle % 256, down = 255 - up;

	switch (angle % HUES / 256) {
	case 0:
		return 0xff0000 | up << 8;
	case 1:
		return down << 16 | 0x00ff00;
	case 2:
		return 0x00ff00 | up;
	case 3:
		return down << 8 | 0x0000ff;
	case 4:
		return up << 16 | 0x0000ff;
	default:
		return 0xff0000 | down;
	}
}

static uint32_t mix(uint32_t from, uint32_t to, uint32_t part, uint32_t whole)
{
	uint32_t colour = 0;

	for (uint32_t shift = 0; shift < 24; shift += 8) {
		uint32_t a = from >> shift & 0xff, b = to >> shift & 0xff;

		colour |= (a * (whole - part) + b * part) / whole << shift;
	}
	return colour;
}

static void draw_checks(const struct scene *scene, const struct canvas *canvas)
{
	uint32_t hash = seed(scene);
	uint32_t left = hue(hash), right = hue(hash + 300 + (hash >> 16) % 900);

	for (uint32_t i = 0; i < COLUMNS * ROWS; i++) {
		uint32_t column = i % COLUMNS, row = i / COLUMNS;
		uint32_t x = canvas->width * column / COLUMNS;
		uint32_t y = canvas->height * row / ROWS;
		uint32_t colour = mix(left, right, column, COLUMNS - 1);

		colour = mix(colour, BLACK, row, ROWS * 2);
		if ((column + row) % 2)
			colour = mix(colour, BLACK, 1, 4);
		canvas_fill(canvas, x, y,
			    canvas->width * (column + 1) / COLUMNS - x,
			    canvas->height * (row + 1) / ROWS - y, colour);
	}
}

static void draw_line_of_text(const struct canvas *canvas, uint32_t y,
			      uint32_t height, const char *text)
{
	uint32_t scale =
		canvas_text_scale(text, canvas->width / 10 * 9, height);
	uint32_t width = canvas_text_width(text, scale);
	uint32_t x = width < canvas->width ? (canvas->width - width) / 2 : 0;
	uint32_t shadow = scale / 4 + 1;

	canvas_text(canvas, x + shadow, y + shadow, scale, text, BLACK);
	canvas_text(canvas, x, y, scale, text, WHITE);
}

static void draw_border(const struct canvas *canvas)
{
	canvas_fill(canvas, 0, 0, canvas->width, 1, WHITE);
	canvas_fill(canvas, 0, canvas->height - 1, canvas->width, 1, WHITE);
	canvas_fill(canvas, 0, 0, 1, canvas->height, WHITE);
	canvas_fill(canvas, canvas->width - 1, 0, 1, canvas->height, WHITE);
}

static void draw_background(const struct scene *scene,
			    const struct canvas *canvas)
{
	char text[TEXT_MAX];

	draw_checks(scene, canvas);
	draw_line_of_text(canvas, canvas->height / 10, canvas->height / 3,
			  scene->options->name);
	text_format(text, sizeof(text), "HEAD %u  %uX%u-%u  %s", scene->head,
		    canvas->width, canvas->height, canvas->bits, scene->path);
	draw_line_of_text(canvas, canvas->height / 2, canvas->height / 16,
			  text);
	draw_border(canvas);
}

static struct rect draw_band(const struct canvas *canvas, uint32_t frame)
{
	struct rect band = { 1, canvas->height / 8 * 5, canvas->width - 2,
			     canvas->height / 8 };
	uint32_t width = band.width / 8;
	uint32_t travel = band.width - width;
	uint32_t scale;
	char text[TEXT_MAX];

	text_format(text, sizeof(text), "FRAME %u", frame);
	scale = canvas_text_scale(text, band.width / 2, band.height / 2);
	canvas_fill(canvas, band.x, band.y, band.width, band.height, GREY);
	canvas_fill(canvas,
		    band.x + travel * (frame % BLOCK_STEPS) / BLOCK_STEPS,
		    band.y, width, band.height, hue(frame * 100));
	canvas_text(canvas,
		    band.x + (band.width - canvas_text_width(text, scale)) / 2,
		    band.y + band.height / 4, scale, text, WHITE);
	return band;
}

/* For programs: exact at 32 bits a pixel. */
static void draw_key_pixels(const struct canvas *canvas,
			    const struct ps2_state *input)
{
	uint32_t count = input->key_count;

	for (uint32_t i = 0; i < KEY_PIXELS; i++)
		canvas_fill(canvas, i, 0, 1, 1,
			    (count & 0xff) << 16 | i << 8 | input->keys[i]);
	canvas_fill(canvas, KEY_PIXELS, 0, 1, 1, count & 0xffffff);
}

/* The latest that fit. */
static void keys_text(char *text, const struct ps2_state *input, uint32_t fit)
{
	uint32_t shown = input->key_count, length;

	text_format(text, TEXT_MAX, "KEYS %u:", input->key_count);
	length = (uint32_t)strlen(text);
	fit = fit > length ? (fit - length) / 3 : 0;
	if (fit > (TEXT_MAX - 1 - length) / 3)
		fit = (TEXT_MAX - 1 - length) / 3;
	if (shown > fit)
		shown = fit;
	for (uint32_t i = input->key_count - shown; i < input->key_count; i++) {
		text_format(text + length, TEXT_MAX - length, " %02x",
			    input->keys[i % PS2_KEYS]);
		length += 3;
	}
}

static void draw_strip(const struct canvas *canvas,
		       const struct ps2_state *input)
{
	uint32_t scale = 1 + canvas->width / 600;
	uint32_t line = (FONT_HEIGHT + 3) * scale;
	uint32_t x = 1 + STRIP_MARGIN;
	uint32_t y = canvas->height / 16 * 13;
	uint32_t fit = (canvas->width - 2 * x) / ((FONT_WIDTH + 1) * scale);
	char text[TEXT_MAX];

	canvas_fill(canvas, 1, y, canvas->width - 2, 2 * line + 2 * scale,
		    GREY);
	y += 2 * scale;
	keys_text(text, input, fit);
	canvas_text(canvas, x, y, scale, text, WHITE);
	text_format(text, sizeof(text), "MOUSE %d %d  WHEEL %d  BUTTONS %u",
		    input->x, input->y, input->wheel, input->buttons);
	canvas_text(canvas, x, y + line, scale, text, WHITE);
	draw_key_pixels(canvas, input);
}

struct rect scene_draw(const struct scene *scene, const struct canvas *canvas,
		       struct scene_drawn *drawn, uint32_t frame,
		       const struct ps2_state *input)
{
	const struct options *options = scene->options;
	struct rect all = { 0, 0, canvas->width, canvas->height };
	bool moved = options->motion != MOTION_STATIC && frame != drawn->frame;
	bool typed = input->changes != drawn->changes;
	struct rect damage = { 0 };

	if (options->solid) {
		if (drawn->painted && !moved)
			return damage;
		canvas_fill(canvas, 0, 0, all.width, all.height,
			    (seed(scene) + frame * GOLDEN) & 0xffffff);
		*drawn = (struct scene_drawn){ true, frame, input->changes };
		return all;
	}
	if (!drawn->painted)
		draw_background(scene, canvas);
	if (moved)
		damage = draw_band(canvas, frame);
	if (!drawn->painted || typed) {
		draw_strip(canvas, input);
		damage = all;
	}
	*drawn = (struct scene_drawn){ true, frame, input->changes };
	return damage;
}
