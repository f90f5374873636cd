// SPDX-License-Identifier: MIT
#include "head.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define CURSOR_HOT 8

static const uint32_t colours[] = {
	0x2060c0, 0xc04020, 0x20a060, 0xa030a0,
	0xd0a020, 0x20a0b0, 0x806040, 0x707070,
};

static struct canvas canvas_of(const struct dmabuf *dmabuf)
{
	return (struct canvas){ dmabuf->pixels, dmabuf->stride / 4 };
}

/* Without padding, as pixels are sent. */
static int allocate_plain(struct dmabuf *buffer, uint32_t width,
			  uint32_t height, const char **what)
{
	*buffer = (struct dmabuf){
		.fd = -1,
		.width = width,
		.height = height,
		.stride = width * 4,
		.size = (size_t)width * height * 4,
	};
	*what = "malloc";
	buffer->pixels = malloc(buffer->size);
	return buffer->pixels ? 0 : -ENOMEM;
}

int head_open(struct head *head, const struct options *options, unsigned int id,
	      uint32_t width, uint32_t height, const char **what)
{
	size_t count = sizeof(colours) / sizeof(colours[0]);
	int ret = 0;

	*head = (struct head){
		.id = id,
		.picture = {
			.width = width,
			.height = height,
			.colour = options->colour_given ? options->colour :
							  colours[id % count],
		},
	};
	snprintf(head->picture.text, sizeof(head->picture.text), "%s:%u",
		 options->name, id);
	for (unsigned int i = 0; i < options->buffers && ret == 0; i++) {
		struct head_buffer *buffer = &head->buffers[i];

		buffer->phase = -1;
		if (options->pixels)
			ret = allocate_plain(&buffer->dmabuf, width, height,
					     what);
		else
			ret = dmabuf_allocate(&buffer->dmabuf, options->source,
					      width, height, what);
		if (ret == 0)
			head->buffer_count++;
	}
	return ret;
}

void head_close(struct head *head)
{
	for (unsigned int i = 0; i < head->buffer_count; i++) {
		struct dmabuf *dmabuf = &head->buffers[i].dmabuf;

		if (dmabuf->fd < 0)
			free(dmabuf->pixels);
		else
			dmabuf_free(dmabuf);
	}
	head->buffer_count = 0;
}

int head_write_crcs(const struct head *head, const struct options *options,
		    FILE *file)
{
	const struct picture *picture = &head->picture;
	unsigned int phases = options->still ? 1 : PICTURE_PHASES;
	struct canvas canvas = { .stride = picture->width };

	canvas.pixels = malloc((size_t)picture->width * picture->height * 4);
	if (!canvas.pixels)
		return -ENOMEM;
	picture_draw(picture, &canvas, 0);
	for (unsigned int phase = 0; phase < phases; phase++) {
		picture_draw_band(picture, &canvas, phase);
		fprintf(file, "%u %u %ux%u 0x%08x\n", head->id, phase,
			picture->width, picture->height,
			picture_crc(picture, &canvas));
	}
	free(canvas.pixels);
	return 0;
}

static int draw(struct head *head, struct head_buffer *buffer, int phase)
{
	struct canvas canvas = canvas_of(&buffer->dmabuf);
	bool shared = buffer->dmabuf.fd >= 0;
	int ret = shared ? dmabuf_begin_write(&buffer->dmabuf) : 0;

	if (ret < 0)
		return ret;
	if (buffer->phase < 0)
		picture_draw(&head->picture, &canvas, (unsigned int)phase);
	else
		picture_draw_band(&head->picture, &canvas, (unsigned int)phase);
	buffer->phase = phase;
	return shared ? dmabuf_end_write(&buffer->dmabuf) : 0;
}

static int announce(const struct head *head, const struct options *options,
		    struct vug *vug, const struct dmabuf *dmabuf)
{
	struct vug_dmabuf message = {
		.fd = dmabuf->fd,
		.width = dmabuf->width,
		.height = dmabuf->height,
		.stride = dmabuf->stride,
		.fourcc = options->fourcc,
		.modifier = VUG_MODIFIER_LINEAR,
		.view = { 0, 0, dmabuf->width, dmabuf->height },
	};

	if (options->pixels)
		return vug_scanout_pixels(vug, head->id, dmabuf->width,
					  dmabuf->height);
	return vug_scanout_dmabuf(vug, head->id, &message);
}

static int update(const struct head *head, const struct options *options,
		  struct vug *vug, const struct dmabuf *dmabuf, bool all)
{
	struct picture_band band = picture_band(&head->picture);
	struct vug_rect rect = { 0, 0, dmabuf->width, dmabuf->height };

	if (!all) {
		rect.y = band.y;
		rect.height = band.height;
	}
	if (!options->pixels)
		return vug_update_dmabuf(vug, head->id, &rect);
	return vug_update_pixels(vug, head->id, &rect,
				 dmabuf->pixels + (size_t)rect.y * rect.width);
}

int head_show(struct head *head, const struct options *options, struct vug *vug,
	      unsigned long n, const char **what)
{
	struct head_buffer *buffer = &head->buffers[n % head->buffer_count];
	int phase = options->still ? 0 : (int)(n % PICTURE_PHASES);
	bool flips = !options->pixels && !options->in_place;
	bool first = !head->announced;
	int ret = 0;

	*what = "DMA_BUF_IOCTL_SYNC";
	if (buffer->phase != phase)
		ret = draw(head, buffer, phase);
	if (ret == 0 && (first || flips)) {
		*what = "announcing a scanout";
		ret = announce(head, options, vug, &buffer->dmabuf);
		head->announced = true;
	}
	if (ret == 0) {
		*what = "sending an update";
		ret = update(head, options, vug, &buffer->dmabuf,
			     first || !options->damage);
	}
	return ret;
}

/* A white arrow head with a black rim, its tip at the hot spot. */
int head_define_cursor(const struct head *head, struct vug *vug)
{
	static struct vug_cursor_update cursor;

	cursor.pos = (struct vug_cursor_pos){ head->id, 0, 0 };
	cursor.hot_x = CURSOR_HOT;
	cursor.hot_y = CURSOR_HOT;
	for (uint32_t y = CURSOR_HOT; y < VUG_CURSOR_SIDE; y++) {
		uint32_t *row = cursor.pixels + y * VUG_CURSOR_SIDE;

		for (uint32_t x = CURSOR_HOT; x <= y; x++) {
			bool rim = x == CURSOR_HOT || x == y ||
				   y == VUG_CURSOR_SIDE - 1;

			row[x] = rim ? 0xff000000u : 0xffffffffu;
		}
	}
	return vug_cursor_define(vug, &cursor);
}

int head_move_cursor(const struct head *head, struct vug *vug, unsigned long n)
{
	return vug_cursor_move(vug, head->id,
			       (uint32_t)(n * 7 % head->picture.width),
			       (uint32_t)(n * 3 % head->picture.height), true);
}
