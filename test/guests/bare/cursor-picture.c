// SPDX-License-Identifier: MIT
#include "cursor-picture.h"

#define FRAME  0xffffff00u
#define CROSS  0xffff0000u
#define SHADOW 0x80000000u /* half-transparent, in the lower right quarter */
#define CLEAR  0x00000000u

static uint32_t colour(uint32_t x, uint32_t y)
{
	if (x == 0 || y == 0 || x == CURSOR_SIDE - 1 || y == CURSOR_SIDE - 1)
		return FRAME;
	if (x == CURSOR_HOT_X || y == CURSOR_HOT_Y)
		return CROSS;
	if (x >= CURSOR_SIDE / 2 && y >= CURSOR_SIDE / 2)
		return SHADOW;
	return CLEAR;
}

void cursor_picture_draw(uint32_t pixels[CURSOR_SIDE * CURSOR_SIDE])
{
	for (uint32_t i = 0; i < CURSOR_SIDE * CURSOR_SIDE; i++)
		pixels[i] = colour(i % CURSOR_SIDE, i / CURSOR_SIDE);
}
