/* SPDX-License-Identifier: MIT */
/*
 * A test picture in a fixed small number of phases, so that whatever a panel
 * shows is one of a known set:
 *
 *	+----------------------+   colour field
 *	|       NAME:HEAD      |   one-pixel frame: top red, right green,
 *	|                      |   bottom blue, left white, black inside it
 *	|====[3]===============|   band with a moving block that names its phase
 *	+----------------------+
 *
 * The frame makes a crop, an off-by-one and a mirrored picture visible. Two
 * phases differ in the band only.
 */
#ifndef PICTURE_H
#define PICTURE_H

#include <stdint.h>

#define PICTURE_PHASES	 8
#define PICTURE_SIDE_MIN 64
#define PICTURE_SIDE_MAX 16384

struct picture {
	uint32_t width, height;
	uint32_t colour; /* 0xRRGGBB */
	char text[40];
};

/* Where to draw: 32 bits a pixel, 0xffRRGGBB. */
struct canvas {
	uint32_t *pixels;
	uint32_t stride; /* pixels */
};

struct picture_band {
	uint32_t y, height;
};

/* Everything, in the given phase. */
void picture_draw(const struct picture *picture, const struct canvas *canvas,
		  unsigned int phase);

/* Turns a complete picture of any phase into another. */
void picture_draw_band(const struct picture *picture,
		       const struct canvas *canvas, unsigned int phase);
struct picture_band picture_band(const struct picture *picture);

/*
 * The checksum the kernel's vkms driver reports in debugfs for a CRTC whose
 * mode has the picture's size and which shows nothing but the picture.
 */
uint32_t picture_crc(const struct picture *picture,
		     const struct canvas *canvas);

#endif
