/* SPDX-License-Identifier: MIT */
/* What the loader hands over (Multiboot 0.6.96, 3.3 Boot information format).
 */
#ifndef MULTIBOOT_H
#define MULTIBOOT_H

#include <stdint.h>

struct memory {
	uint8_t *start;
	uint32_t size;
};

/*
 * Copies the options, the kernel's path before them left out. To be called
 * before anything is written to memory(): the loader's text may lie there.
 */
void multiboot_read(uint32_t magic, uint32_t information, char *options,
		    uint32_t options_size);

/* RAM from the end of the program up, whole pages. */
struct memory multiboot_memory(void);

#endif
