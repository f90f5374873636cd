// SPDX-License-Identifier: MIT
/*
 * vkms composes into 64-bit pixels, four little endian 16-bit channels in
 * the order alpha, red, green, blue, alpha always 0xffff, an 8-bit channel c
 * widened to c * 257, and runs crc32_le (reflected 0xedb88320, no inversion)
 * from 0 over the lines of the mode.
 */
#include <stdbool.h>
#include <stddef.h>

#include "picture.h"

/* table[n][b]: what byte b does to the checksum n bytes further on */
static uint32_t table[8][256];
static bool table_made;

static void make_table(void)
{
	for (uint32_t byte = 0; byte < 256; byte++) {
		uint32_t crc = byte;

		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
		table[0][byte] = crc;
	}
	for (int n = 1; n < 8; n++) {
		for (int byte = 0; byte < 256; byte++) {
			uint32_t crc = table[n - 1][byte];

			table[n][byte] = crc >> 8 ^ table[0][crc & 0xff];
		}
	}
	table_made = true;
}

/* Eight bytes at once: both bytes of a channel are the 8-bit value itself. */
static uint32_t add_pixel(uint32_t crc, uint32_t pixel)
{
	uint32_t red = pixel >> 16 & 0xff;
	uint32_t green = pixel >> 8 & 0xff;
	uint32_t blue = pixel & 0xff;

	crc ^= 0xffffu | red << 16 | red << 24;
	return table[7][crc & 0xff] ^ table[6][crc >> 8 & 0xff] ^
	       table[5][crc >> 16 & 0xff] ^ table[4][crc >> 24] ^
	       table[3][green] ^ table[2][green] ^ table[1][blue] ^
	       table[0][blue];
}

uint32_t picture_crc(const struct picture *picture, const struct canvas *canvas)
{
	uint32_t crc = 0;

	if (!table_made)
		make_table();
	for (uint32_t y = 0; y < picture->height; y++) {
		const uint32_t *row =
			canvas->pixels + (size_t)y * canvas->stride;

		for (uint32_t x = 0; x < picture->width; x++)
			crc = add_pixel(crc, row[x]);
	}
	return crc;
}
