// SPDX-License-Identifier: MIT
/*
 * Runs inside a Linux guest: takes the first connected connector's preferred
 * mode and flips between three buffers of one colour each, ten times a second.
 * Nothing but system calls, so that it needs no libraries there.
 */
#include <drm.h>
#include <drm_mode.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define MANY  32
#define MODES 64

static const uint32_t colours[] = { 0xc02020, 0x20c020, 0x2020c0 };
#define BUFFERS (sizeof(colours) / sizeof(colours[0]))

static int card;

static void must(const char *what, int result)
{
	if (result >= 0)
		return;
	fprintf(stderr, "kms-flip: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void control(const char *what, unsigned long request, void *argument)
{
	must(what, ioctl(card, request, argument));
}

/* The connector's id, with its preferred mode; 0: nothing is plugged in. */
static uint32_t find_connector(const uint32_t *ids, uint32_t count,
			       struct drm_mode_modeinfo *mode)
{
	for (uint32_t i = 0; i < count; i++) {
		struct drm_mode_modeinfo modes[MODES];
		struct drm_mode_get_connector get = { .connector_id = ids[i] };

		control("GETCONNECTOR", DRM_IOCTL_MODE_GETCONNECTOR, &get);
		if (get.connection != 1 || get.count_modes == 0)
			continue;
		get = (struct drm_mode_get_connector){
			.connector_id = ids[i],
			.count_modes = MODES,
			.modes_ptr = (uintptr_t)modes,
		};
		control("GETCONNECTOR", DRM_IOCTL_MODE_GETCONNECTOR, &get);
		/* Those that do not fit keep the kernel from writing any. */
		errno = ENOBUFS;
		must("more modes than expected",
		     get.count_modes > MODES ? -1 : 0);
		*mode = modes[0];
		for (uint32_t m = get.count_modes; m-- > 0;) {
			if (modes[m].type & DRM_MODE_TYPE_PREFERRED)
				*mode = modes[m];
		}
		return ids[i];
	}
	return 0;
}

static uint32_t make_framebuffer(const struct drm_mode_modeinfo *mode,
				 uint32_t colour)
{
	struct drm_mode_create_dumb dumb = { .width = mode->hdisplay,
					     .height = mode->vdisplay,
					     .bpp = 32 };
	struct drm_mode_map_dumb map = { 0 };
	struct drm_mode_fb_cmd framebuffer = { .width = mode->hdisplay,
					       .height = mode->vdisplay,
					       .bpp = 32,
					       .depth = 24 };
	uint32_t *pixels;

	control("CREATE_DUMB", DRM_IOCTL_MODE_CREATE_DUMB, &dumb);
	map.handle = framebuffer.handle = dumb.handle;
	framebuffer.pitch = dumb.pitch;
	control("MAP_DUMB", DRM_IOCTL_MODE_MAP_DUMB, &map);
	pixels = mmap(NULL, dumb.size, PROT_WRITE, MAP_SHARED, card,
		      (off_t)map.offset);
	must("mmap", pixels == MAP_FAILED ? -1 : 0);
	for (uint64_t i = 0; i < dumb.size / 4; i++)
		pixels[i] = colour;
	munmap(pixels, dumb.size);
	control("ADDFB", DRM_IOCTL_MODE_ADDFB, &framebuffer);
	return framebuffer.fb_id;
}

int main(void)
{
	const struct timespec beat = { .tv_nsec = 100000000 };
	uint32_t crtcs[MANY], connectors[MANY], connector;
	uint32_t framebuffers[BUFFERS];
	struct drm_mode_modeinfo mode;
	struct drm_mode_card_res resources = { .crtc_id_ptr = (uintptr_t)crtcs,
					       .count_crtcs = MANY,
					       .connector_id_ptr =
						       (uintptr_t)connectors,
					       .count_connectors = MANY };
	struct drm_mode_crtc set = { 0 };
	struct drm_mode_crtc_page_flip flip = {
		.flags = DRM_MODE_PAGE_FLIP_EVENT
	};

	card = open("/dev/dri/card0", O_RDWR | O_CLOEXEC);
	must("/dev/dri/card0", card);
	control("GETRESOURCES", DRM_IOCTL_MODE_GETRESOURCES, &resources);
	connector =
		find_connector(connectors, resources.count_connectors, &mode);
	errno = ENODEV;
	must("no monitor", connector == 0 ? -1 : 0);
	for (uint32_t i = 0; i < BUFFERS; i++)
		framebuffers[i] = make_framebuffer(&mode, colours[i]);
	set.set_connectors_ptr = (uintptr_t)&connector;
	set.count_connectors = 1;
	set.crtc_id = flip.crtc_id = crtcs[0];
	set.fb_id = framebuffers[0];
	set.mode = mode;
	set.mode_valid = 1;
	control("SETCRTC", DRM_IOCTL_MODE_SETCRTC, &set);
	printf("flips %ux%u\n", mode.hdisplay, mode.vdisplay);
	fflush(stdout);
	for (uint32_t next = 1;; next = (next + 1) % BUFFERS) {
		char event[256];

		nanosleep(&beat, NULL);
		flip.fb_id = framebuffers[next];
		control("PAGE_FLIP", DRM_IOCTL_MODE_PAGE_FLIP, &flip);
		must("event", (int)read(card, event, sizeof(event)));
	}
}
