/* SPDX-License-Identifier: MIT */
/*
 * Capitals, digits and some signs, 5 x 7 pixels. A glyph is 7 rows from the
 * top; in a row bit 4 is the leftmost pixel.
 */
#ifndef FONT_H
#define FONT_H

#include <stdint.h>

#define FONT_WIDTH  5
#define FONT_HEIGHT 7

/* Lower case gives the capital; a character without a glyph a filled box. */
const uint8_t *font_glyph(char c);

#endif
