// SPDX-License-Identifier: MIT
#include "picture.h"

#include <string.h>

#include "font.h"

#define OPAQUE	    0xff000000u
#define BLACK	    (OPAQUE | 0x000000u)
#define WHITE	    (OPAQUE | 0xffffffu)
#define EDGE_TOP    (OPAQUE | 0xff0000u)
#define EDGE_RIGHT  (OPAQUE | 0x00ff00u)
#define EDGE_BOTTOM (OPAQUE | 0x0000ffu)
#define EDGE_LEFT   WHITE

/* the coloured line and the black one inside it */
#define MARGIN 2u

static void fill(const struct canvas *canvas, uint32_t x, uint32_t y,
		 uint32_t width, uint32_t height, uint32_t colour)
{
	uint32_t *first = canvas->pixels + (size_t)y * canvas->stride + x;

	if (height == 0)
		return;
	for (uint32_t i = 0; i < width; i++)
		first[i] = colour;
	for (uint32_t row = 1; row < height; row++)
		memcpy(first + (size_t)row * canvas->stride, first, width * 4);
}

static void draw_text(const struct canvas *canvas, uint32_t x, uint32_t y,
		      uint32_t scale, const char *text, uint32_t colour)
{
	for (; *text; text++, x += (FONT_WIDTH + 1) * scale) {
		const uint8_t *glyph = font_glyph(*text);

		for (uint32_t i = 0; i < FONT_WIDTH * FONT_HEIGHT; i++) {
			uint32_t column = i % FONT_WIDTH;
			uint32_t row = i / FONT_WIDTH;

			if (glyph[row] & 0x10 >> column)
				fill(canvas, x + column * scale,
				     y + row * scale, scale, scale, colour);
		}
	}
}

static uint32_t text_width(const char *text, uint32_t scale)
{
	return ((uint32_t)strlen(text) * (FONT_WIDTH + 1) - 1) * scale;
}

/* The largest scale at which the text fits, 0 when none does. */
static uint32_t text_scale(const char *text, uint32_t width, uint32_t height)
{
	uint32_t across = width / text_width(text, 1);
	uint32_t down = height / FONT_HEIGHT;

	return across < down ? across : down;
}

static uint32_t half(uint32_t colour)
{
	return OPAQUE | (colour >> 1 & 0x7f7f7fu);
}

/* Black or white, whichever stands out; weights as the eye's, times ten. */
static uint32_t contrast(uint32_t colour)
{
	uint32_t red = colour >> 16 & 0xff;
	uint32_t green = colour >> 8 & 0xff;
	uint32_t blue = colour & 0xff;

	return red * 3 + green * 6 + blue > 1275 ? BLACK : WHITE;
}

static void draw_edges(const struct picture *picture,
		       const struct canvas *canvas)
{
	uint32_t width = picture->width;
	uint32_t height = picture->height;

	fill(canvas, 1, 1, width - 2, 1, BLACK);
	fill(canvas, 1, height - 2, width - 2, 1, BLACK);
	fill(canvas, 1, 1, 1, height - 2, BLACK);
	fill(canvas, width - 2, 1, 1, height - 2, BLACK);
	fill(canvas, 0, 0, 1, height, EDGE_LEFT);
	fill(canvas, width - 1, 0, 1, height, EDGE_RIGHT);
	fill(canvas, 0, 0, width, 1, EDGE_TOP);
	fill(canvas, 0, height - 1, width, 1, EDGE_BOTTOM);
}

struct picture_band picture_band(const struct picture *picture)
{
	struct picture_band band = {
		.y = picture->height / 8 * 5,
		.height = picture->height / 8,
	};

	return band;
}

void picture_draw_band(const struct picture *picture,
		       const struct canvas *canvas, unsigned int phase)
{
	struct picture_band band = picture_band(picture);
	uint32_t inner = picture->width - 2 * MARGIN;
	uint32_t step = inner / PICTURE_PHASES;
	uint32_t x = MARGIN + phase * step;
	char digit[2] = { (char)('0' + phase), '\0' };
	uint32_t scale = text_scale(digit, step, band.height);

	fill(canvas, MARGIN, band.y, inner, band.height, half(picture->colour));
	fill(canvas, x, band.y, step, band.height, WHITE);
	draw_text(canvas, x + (step - text_width(digit, scale)) / 2,
		  band.y + (band.height - FONT_HEIGHT * scale) / 2, scale,
		  digit, BLACK);
}

void picture_draw(const struct picture *picture, const struct canvas *canvas,
		  unsigned int phase)
{
	uint32_t width = picture->width;
	uint32_t height = picture->height;
	uint32_t scale = text_scale(picture->text, width / 10 * 9, height / 3);

	fill(canvas, 0, 0, width, height, OPAQUE | picture->colour);
	draw_text(canvas, (width - text_width(picture->text, scale)) / 2,
		  height / 5, scale, picture->text, contrast(picture->colour));
	picture_draw_band(picture, canvas, phase);
	draw_edges(picture, canvas);
}
