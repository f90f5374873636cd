// SPDX-License-Identifier: MIT
#include "screen.h"

void screen_draw(struct screen *screen, uint32_t frame,
		 const struct ps2_state *input)
{
	struct screen_buffer *buffer = &screen->buffers[screen->next];
	struct rect damage = scene_draw(&screen->scene, &buffer->canvas,
					&buffer->drawn, frame, input);

	if (damage.width == 0)
		return;
	screen->show(screen, buffer, &damage);
	screen->shown = buffer;
	screen->next = (screen->next + 1) % screen->buffer_count;
}
