// SPDX-License-Identifier: MIT
/*
 * The floor: what showing a frame costs when nobody sends any. Framebuffers
 * are made beforehand; per frame there is one PageFlip and its event.
 */
#include <drm_fourcc.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <xf86drm.h>

#include "dmabuf.h"
#include "options.h"
#include "panel.h"

#define BUFFERS_MAX 16

static const char usage[] =
	"Usage: flip-loop [--card PATH] [--outputs N] [--mode WxH]\n"
	"                 [--buffers N] [--frames N] [--warmup N]\n";

/* The kernel hands a pointer to one of these back with each event. */
struct loop {
	struct panel *panel;
	unsigned int *unfinished; /* panels that have frames to go */
	int card;
	uint32_t framebuffers[BUFFERS_MAX];
	unsigned int count, next;
	uint64_t frames;
	int error;
};

static void flip(struct loop *loop)
{
	uint32_t framebuffer = loop->framebuffers[loop->next];

	loop->next = (loop->next + 1) % loop->count;
	if (drmModePageFlip(loop->card, loop->panel->crtc, framebuffer,
			    DRM_MODE_PAGE_FLIP_EVENT, loop) < 0)
		loop->error = -errno;
}

static void on_flip(int card, unsigned int sequence, unsigned int seconds,
		    unsigned int microseconds, void *data)
{
	struct loop *loop = data;

	(void)card;
	(void)seconds;
	(void)microseconds;
	panel_flipped(loop->panel, sequence);
	if (loop->panel->frames < loop->frames)
		flip(loop);
	else
		--*loop->unfinished;
}

static int prepare(struct loop *loop, const char **what)
{
	const drmModeModeInfo *mode = &loop->panel->mode;
	int ret = 0;

	for (unsigned int i = 0; i < loop->count && ret == 0; i++) {
		struct layout layout = {
			.width = mode->hdisplay,
			.height = mode->vdisplay,
			.fourcc = DRM_FORMAT_XRGB8888,
			.modifier = DRM_FORMAT_MOD_LINEAR,
		};
		struct dmabuf buffer;

		ret = dmabuf_allocate(&buffer, DMABUF_UDMABUF, layout.width,
				      layout.height, what);
		if (ret < 0)
			break;
		/* pages touched now, not by the first flip */
		memset(buffer.pixels, 0x20 * (int)(i + 1), buffer.size);
		layout.stride = buffer.stride;
		*what = "import";
		ret = panel_import(loop->card, buffer.fd, &layout,
				   &loop->framebuffers[i]);
		dmabuf_free(&buffer);
	}
	if (ret == 0) {
		*what = "drmModeSetCrtc";
		ret = panel_set(loop->card, loop->panel, loop->framebuffers[0]);
		loop->next = 1 % loop->count;
	}
	return ret;
}

static int run(struct loop *loops, struct panel *panels, unsigned int count,
	       unsigned int *unfinished, struct tally *tally, const char **what)
{
	drmEventContext context = {
		.version = 2,
		.page_flip_handler = on_flip,
	};
	int ret = 0;

	*what = "drmModePageFlip";
	for (unsigned int i = 0; i < count; i++)
		flip(&loops[i]);
	while (*unfinished && ret == 0) {
		for (unsigned int i = 0; i < count; i++) {
			if (loops[i].error)
				return loops[i].error;
		}
		/* blocks in read until an event is there */
		if (drmHandleEvent(loops[0].card, &context) < 0)
			ret = -errno;
		tally_update(tally, panels, count);
	}
	return ret;
}

int main(int argc, char **argv)
{
	static struct panel panels[PANELS_MAX];
	static struct loop loops[PANELS_MAX];
	struct options options;
	struct tally tally = { 0 };
	unsigned int unfinished;
	const char *what;
	int ret;
	int card;

	options_parse(&options, argc, argv, usage);
	tally.warmup = options.warmup;
	unfinished = options.outputs;
	what = options.card;
	card = open(options.card, O_RDWR | O_CLOEXEC);
	ret = card < 0 ? -errno : 0;
	if (ret == 0) {
		what = "finding connected outputs of that mode";
		ret = panels_find(card, panels, options.outputs, options.width,
				  options.height);
	}
	for (unsigned int i = 0; i < options.outputs && ret == 0; i++) {
		loops[i] = (struct loop){
			.panel = &panels[i],
			.unfinished = &unfinished,
			.card = card,
			.count = options.buffers,
			.frames = options.warmup + options.frames,
		};
		ret = prepare(&loops[i], &what);
	}
	if (ret == 0)
		ret = run(loops, panels, options.outputs, &unfinished, &tally,
			  &what);
	if (ret == 0)
		tally_print(&tally, "flip-loop", panels, options.outputs);
	else
		fprintf(stderr, "flip-loop: %s: %s\n", what, strerror(-ret));
	if (card >= 0)
		close(card);
	return ret == 0 ? 0 : 1;
}
