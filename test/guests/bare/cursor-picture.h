/* SPDX-License-Identifier: MIT */
/* A cursor in which a crop, a shift of its hotspot and its alpha show. */
#ifndef CURSOR_PICTURE_H
#define CURSOR_PICTURE_H

#include <stdint.h>

#define CURSOR_SIDE  64
#define CURSOR_HOT_X 12
#define CURSOR_HOT_Y 20

/* BGRA in memory, alpha premultiplied as Linux guests send it. */
void cursor_picture_draw(uint32_t pixels[CURSOR_SIDE * CURSOR_SIDE]);

#endif
