/* SPDX-License-Identifier: MIT */
/* How large the panel behind a head is. */
#ifndef PANEL_SIZE_H
#define PANEL_SIZE_H

#include "vug.h"

/*
 * The size in the display info, else the EDID's preferred one, else (nothing
 * is assigned to the head) 1024x768. Errors as vug.h's.
 */
int panel_size(struct vug *vug, const struct vug_display_info *info,
	       unsigned int head, uint32_t *width, uint32_t *height);

#endif
