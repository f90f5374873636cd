// SPDX-License-Identifier: MIT
#include "panel-size.h"

#include <stdbool.h>

#include "picture.h"

#define FIRST_TIMING 54
#define BASE_BLOCK   128

static bool usable(uint32_t side)
{
	return side >= PICTURE_SIDE_MIN && side <= PICTURE_SIDE_MAX;
}

/*
 * The first detailed timing is the panel's own; its active pixels are in
 * bytes 2 and 5, four more bits of each in the upper halves of 4 and 7.
 */
static void edid_size(const struct vug_edid *edid, uint32_t *width,
		      uint32_t *height)
{
	const uint8_t *timing = edid->bytes + FIRST_TIMING;

	if (edid->size < BASE_BLOCK || (!timing[0] && !timing[1]))
		return;
	*width = timing[2] | (timing[4] & 0xf0u) << 4;
	*height = timing[5] | (timing[7] & 0xf0u) << 4;
}

int panel_size(struct vug *vug, const struct vug_display_info *info,
	       unsigned int head, uint32_t *width, uint32_t *height)
{
	const struct vug_display *display = &info->displays[head];
	struct vug_edid edid;
	int ret = 0;

	*width = display->enabled ? display->width : 0;
	*height = display->enabled ? display->height : 0;
	if (*width == 0 && (vug->features & VUG_FEATURE_EDID)) {
		ret = vug_read_edid(vug, head, &edid);
		if (ret == 0)
			edid_size(&edid, width, height);
	}
	if (!usable(*width) || !usable(*height)) {
		*width = 1024;
		*height = 768;
	}
	return ret;
}
