/* SPDX-License-Identifier: MIT */
/* QEMU's standard VGA, and virtio-vga while its virtio side is left alone. */
#ifndef VGA_H
#define VGA_H

#include "options.h"
#include "screen.h"

/* Sets the mode. Flipping moves the start of the picture in video memory. */
void vga_open(const struct options *options, struct screen *screen);

#endif
