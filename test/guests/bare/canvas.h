/* SPDX-License-Identifier: MIT */
/* Where to draw, and what with: rectangles and text. */
#ifndef CANVAS_H
#define CANVAS_H

#include <stdint.h>

struct rect {
	uint32_t x, y, width, height;
};

struct canvas {
	uint8_t *pixels; /* 32 bits: 0xffRRGGBB; 16 bits: 5-6-5 */
	uint32_t width, height;
	uint32_t stride; /* bytes */
	uint32_t bits;
};

/* Colours are 0xRRGGBB. What is outside of the canvas is left out. */
void canvas_fill(const struct canvas *canvas, uint32_t x, uint32_t y,
		 uint32_t width, uint32_t height, uint32_t colour);
void canvas_text(const struct canvas *canvas, uint32_t x, uint32_t y,
		 uint32_t scale, const char *text, uint32_t colour);

uint32_t canvas_text_width(const char *text, uint32_t scale);
/* The largest scale at which the text fits, at least 1. */
uint32_t canvas_text_scale(const char *text, uint32_t width, uint32_t height);

#endif
