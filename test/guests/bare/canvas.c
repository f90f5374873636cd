// SPDX-License-Identifier: MIT
#include "canvas.h"

#include <string.h>

#include "../font.h"

static uint16_t to_565(uint32_t colour)
{
	return (uint16_t)((colour >> 8 & 0xf800) | (colour >> 5 & 0x07e0) |
			  (colour >> 3 & 0x001f));
}

static void fill_row(const struct canvas *canvas, void *pixels, uint32_t width,
		     uint32_t colour)
{
	/* With string instructions as emulation is quickest at these. */
	if (canvas->bits == 32)
		__asm__ volatile("rep stosl"
				 : "+D"(pixels), "+c"(width)
				 : "a"(0xff000000u | colour)
				 : "memory");
	else
		__asm__ volatile("rep stosw"
				 : "+D"(pixels), "+c"(width)
				 : "a"(to_565(colour))
				 : "memory");
}

void canvas_fill(const struct canvas *canvas, uint32_t x, uint32_t y,
		 uint32_t width, uint32_t height, uint32_t colour)
{
	uint8_t *row =
		canvas->pixels + y * canvas->stride + x * (canvas->bits / 8);

	if (x >= canvas->width || y >= canvas->height)
		return;
	if (width > canvas->width - x)
		width = canvas->width - x;
	if (height > canvas->height - y)
		height = canvas->height - y;
	for (; height > 0; height--, row += canvas->stride)
		fill_row(canvas, row, width, colour);
}

void canvas_text(const struct canvas *canvas, uint32_t x, uint32_t y,
		 uint32_t scale, const char *text, uint32_t colour)
{
	for (; *text; text++, x += (FONT_WIDTH + 1) * scale) {
		const uint8_t *glyph = font_glyph(*text);

		for (uint32_t i = 0; i < FONT_WIDTH * FONT_HEIGHT; i++) {
			uint32_t column = i % FONT_WIDTH;
			uint32_t row = i / FONT_WIDTH;

			if (glyph[row] & 0x10 >> column)
				canvas_fill(canvas, x + column * scale,
					    y + row * scale, scale, scale,
					    colour);
		}
	}
}

uint32_t canvas_text_width(const char *text, uint32_t scale)
{
	return ((uint32_t)strlen(text) * (FONT_WIDTH + 1) - 1) * scale;
}

uint32_t canvas_text_scale(const char *text, uint32_t width, uint32_t height)
{
	uint32_t across = width / canvas_text_width(text, 1);
	uint32_t down = height / FONT_HEIGHT;
	uint32_t scale = across < down ? across : down;

	return scale ? scale : 1;
}
