// SPDX-License-Identifier: MIT
#include "show.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SIDE_MAX 16384u

void show_init(struct show *show, int card, struct panel *panel)
{
	*show = (struct show){ .card = card, .panel = panel, .listener = -1 };
	link_open(&show->link, -1);
}

/* The panel goes dark with its framebuffer, if no flip is under way. */
static void drop_guest(struct show *show, const char *why)
{
	fprintf(stderr, "c-daemon: guest dropped: %s\n", why);
	link_close(&show->link);
	for (unsigned int i = 0; i < show->cached; i++) {
		drmModeRmFB(show->card, show->cache[i].framebuffer);
		close(show->cache[i].fd);
	}
	show->cached = 0;
	show->framebuffer = 0;
	show->answers_waiting = 0;
	show->answers_in_flight = 0;
	show->lit = false;
}

static void answer(struct show *show, unsigned int count)
{
	for (; count > 0; count--) {
		if (link_reply(&show->link, VUG_DMABUF_UPDATE, NULL, 0) < 0)
			return;
	}
}

/* Everything asked for until now becomes visible with the newest buffer. */
static int commit(struct show *show)
{
	unsigned int answers = show->answers_waiting;
	int ret;

	show->answers_waiting = 0;
	if (!show->framebuffer) {
		answer(show, answers);
		return 0;
	}
	if (!show->lit) {
		ret = panel_set(show->card, show->panel, show->framebuffer);
		show->lit = ret == 0;
		answer(show, answers);
		return ret;
	}
	if (drmModePageFlip(show->card, show->panel->crtc, show->framebuffer,
			    DRM_MODE_PAGE_FLIP_EVENT, show) < 0)
		return -errno;
	show->in_flight = true;
	show->answers_in_flight = answers;
	return 0;
}

void show_flipped(struct show *show, uint32_t sequence)
{
	int ret = 0;

	panel_flipped(show->panel, sequence);
	show->in_flight = false;
	if (show->link.fd < 0)
		return;
	answer(show, show->answers_in_flight);
	show->answers_in_flight = 0;
	if (show->answers_waiting)
		ret = commit(show);
	if (ret < 0)
		drop_guest(show, strerror(-ret));
}

static bool same_layout(const struct layout *a, const struct layout *b)
{
	return a->width == b->width && a->height == b->height &&
	       a->stride == b->stride && a->fourcc == b->fourcc &&
	       a->modifier == b->modifier;
}

/* Takes the fd. 0 or -errno. */
static int find_framebuffer(struct show *show, int fd,
			    const struct layout *layout)
{
	struct cached *entry;
	struct stat status;
	int ret = 0;

	if (fstat(fd, &status) < 0) {
		ret = -errno;
		goto out;
	}
	for (unsigned int i = 0; i < show->cached; i++) {
		entry = &show->cache[i];
		if (entry->inode == status.st_ino &&
		    entry->device == status.st_dev &&
		    same_layout(&entry->layout, layout)) {
			show->framebuffer = entry->framebuffer;
			goto out;
		}
	}
	if (show->cached == CACHE_MAX) {
		ret = -ENOSPC;
		goto out;
	}
	entry = &show->cache[show->cached];
	ret = panel_import(show->card, fd, layout, &entry->framebuffer);
	if (ret < 0)
		goto out;
	entry->inode = status.st_ino;
	entry->device = status.st_dev;
	entry->layout = *layout;
	entry->fd = fd;
	show->cached++;
	show->framebuffer = entry->framebuffer;
	return 0;
out:
	close(fd);
	return ret;
}

static int scanout(struct show *show, const struct vug_dmabuf_scanout *message,
		   uint64_t modifier)
{
	struct layout layout = {
		.width = message->fd_width,
		.height = message->fd_height,
		.stride = message->fd_stride,
		.fourcc = message->fd_fourcc,
		.modifier = modifier,
	};
	int fd = link_take_fd(&show->link);

	if (fd < 0) {
		show->framebuffer = 0;
		return message->width == 0 ? 0 : -EPROTO;
	}
	if (message->head != 0 || message->x != 0 || message->y != 0 ||
	    layout.width != show->panel->mode.hdisplay ||
	    layout.height != show->panel->mode.vdisplay ||
	    layout.stride > SIDE_MAX * 4) {
		close(fd);
		return -EINVAL;
	}
	return find_framebuffer(show, fd, &layout);
}

static int display_info(struct show *show)
{
	struct vug_display_info info = {
		.header.type = VUG_VIRTIO_OK_DISPLAY_INFO,
		.displays[0] = {
			.width = show->panel->mode.hdisplay,
			.height = show->panel->mode.vdisplay,
			.enabled = 1,
		},
	};

	return link_reply(&show->link, VUG_GET_DISPLAY_INFO, &info,
			  sizeof(info));
}

static uint32_t expected_size(uint32_t request)
{
	switch (request) {
	case VUG_GET_PROTOCOL_FEATURES:
	case VUG_GET_DISPLAY_INFO:
		return 0;
	case VUG_SET_PROTOCOL_FEATURES:
		return sizeof(uint64_t);
	case VUG_CURSOR_POS:
	case VUG_CURSOR_POS_HIDE:
		return sizeof(struct vug_cursor_pos);
	case VUG_CURSOR_UPDATE:
		return sizeof(struct vug_cursor_update);
	case VUG_DMABUF_SCANOUT:
		return sizeof(struct vug_dmabuf_scanout);
	case VUG_DMABUF_SCANOUT2:
		return sizeof(struct vug_dmabuf_scanout2);
	case VUG_DMABUF_UPDATE:
		return sizeof(struct vug_update);
	default:
		return UINT32_MAX;
	}
}

static int handle(struct show *show, const struct vug_header *header,
		  const void *payload)
{
	const uint64_t features = VUG_FEATURE_DMABUF2;
	struct vug_dmabuf_scanout2 scanout2;

	if (header->size != expected_size(header->request))
		return -EPROTO;
	switch (header->request) {
	case VUG_GET_PROTOCOL_FEATURES:
		return link_reply(&show->link, header->request, &features,
				  sizeof(features));
	case VUG_GET_DISPLAY_INFO:
		return display_info(show);
	case VUG_DMABUF_SCANOUT:
		return scanout(show, payload, 0);
	case VUG_DMABUF_SCANOUT2:
		/* its 64-bit field need not lie on a multiple of 8 */
		memcpy(&scanout2, payload, sizeof(scanout2));
		return scanout(show, &scanout2.scanout, scanout2.modifier);
	case VUG_DMABUF_UPDATE:
		show->answers_waiting++;
		return show->in_flight ? 0 : commit(show);
	default:
		return 0;
	}
}

/*
 * A frame is two messages and, because of the fd, two reads. Once the update
 * is there nothing more is expected, so no third read asks in vain.
 */
void show_readable(struct show *show)
{
	struct vug_header header = { 0 };
	const void *payload;
	int ret;

	do {
		ret = link_read(&show->link);
		if (ret < 0)
			drop_guest(show, "it went away");
		if (ret <= 0)
			return;
		while ((ret = link_take(&show->link, &header, &payload)) > 0) {
			ret = handle(show, &header, payload);
			if (ret < 0)
				break;
		}
		if (ret < 0) {
			drop_guest(show, "a request not understood or refused");
			return;
		}
	} while (header.request != VUG_DMABUF_UPDATE);
}
