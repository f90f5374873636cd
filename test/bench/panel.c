// SPDX-License-Identifier: MIT
#include "panel.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <xf86drm.h>

static bool find_mode(const drmModeConnector *connector, unsigned int width,
		      unsigned int height, drmModeModeInfo *mode)
{
	for (int i = 0; i < connector->count_modes; i++) {
		const drmModeModeInfo *candidate = &connector->modes[i];

		if (candidate->hdisplay == width &&
		    candidate->vdisplay == height) {
			*mode = *candidate;
			return true;
		}
	}
	return false;
}

/* The first free one any of the connector's encoders reaches, or 0. */
static uint32_t find_crtc(int card, const drmModeRes *resources,
			  const drmModeConnector *connector, uint32_t *taken)
{
	uint32_t possible = 0;

	for (int i = 0; i < connector->count_encoders; i++) {
		drmModeEncoder *encoder =
			drmModeGetEncoder(card, connector->encoders[i]);

		if (encoder)
			possible |= encoder->possible_crtcs;
		drmModeFreeEncoder(encoder);
	}
	for (int i = 0; i < resources->count_crtcs; i++) {
		uint32_t bit = UINT32_C(1) << i;

		if (possible & bit & ~*taken) {
			*taken |= bit;
			return resources->crtcs[i];
		}
	}
	return 0;
}

int panels_find(int card, struct panel *panels, unsigned int count,
		unsigned int width, unsigned int height)
{
	drmModeRes *resources = drmModeGetResources(card);
	uint32_t taken = 0;
	unsigned int found = 0;

	if (!resources)
		return -errno;
	for (int i = 0; i < resources->count_connectors && found < count; i++) {
		drmModeConnector *connector =
			drmModeGetConnector(card, resources->connectors[i]);
		struct panel panel = { .connector = resources->connectors[i] };

		if (!connector)
			continue;
		if (connector->connection == DRM_MODE_CONNECTED &&
		    find_mode(connector, width, height, &panel.mode))
			panel.crtc =
				find_crtc(card, resources, connector, &taken);
		if (panel.crtc)
			panels[found++] = panel;
		drmModeFreeConnector(connector);
	}
	drmModeFreeResources(resources);
	return found == count ? 0 : -ENODEV;
}

int panel_import(int card, int dmabuf, const struct layout *layout,
		 uint32_t *framebuffer)
{
	uint32_t handles[4] = { 0 };
	uint32_t pitches[4] = { layout->stride };
	uint32_t offsets[4] = { 0 };
	uint64_t modifiers[4] = { layout->modifier };
	int ret = 0;

	if (drmPrimeFDToHandle(card, dmabuf, &handles[0]) < 0)
		return -errno;
	if (drmModeAddFB2WithModifiers(card, layout->width, layout->height,
				       layout->fourcc, handles, pitches,
				       offsets, modifiers, framebuffer,
				       DRM_MODE_FB_MODIFIERS) < 0)
		ret = -errno;
	drmCloseBufferHandle(card, handles[0]);
	return ret;
}

int panel_set(int card, struct panel *panel, uint32_t framebuffer)
{
	panel->sequence = 0;
	if (drmModeSetCrtc(card, panel->crtc, framebuffer, 0, 0,
			   &panel->connector, 1, &panel->mode) < 0)
		return -errno;
	return 0;
}

void panel_flipped(struct panel *panel, uint32_t sequence)
{
	if (panel->sequence)
		panel->missed += sequence - panel->sequence - 1;
	panel->sequence = sequence;
	panel->frames++;
}

static int64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000000) + now.tv_nsec / 1000;
}

static int64_t cpu_us(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) *
		       INT64_C(1000000) +
	       usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
}

static void sum(const struct panel *panels, unsigned int count,
		uint64_t *frames, uint64_t *missed)
{
	*frames = 0;
	*missed = 0;
	for (unsigned int i = 0; i < count; i++) {
		*frames += panels[i].frames;
		*missed += panels[i].missed;
	}
}

void tally_update(struct tally *tally, const struct panel *panels,
		  unsigned int count)
{
	if (tally->warm)
		return;
	for (unsigned int i = 0; i < count; i++) {
		if (panels[i].frames < tally->warmup)
			return;
	}
	tally->warm = true;
	sum(panels, count, &tally->frames_before, &tally->missed_before);
	tally->started_us = now_us();
	tally->cpu_before_us = cpu_us();
}

void tally_print(const struct tally *tally, const char *name,
		 const struct panel *panels, unsigned int count)
{
	int64_t cpu = cpu_us() - tally->cpu_before_us;
	int64_t time = now_us() - tally->started_us;
	uint64_t frames, missed;

	sum(panels, count, &frames, &missed);
	frames -= tally->frames_before;
	missed -= tally->missed_before;
	if (!tally->warm || frames == 0) {
		fprintf(stderr, "%s: ended before the warm-up did\n", name);
		frames = missed = 0;
	}
	printf("{\"name\":\"%s\",\"outputs\":%u,\"mode\":\"%ux%u\","
	       "\"warmup\":%lu,\"frames\":%lu,\"missed\":%lu,"
	       "\"cpuUsPerFrame\":%.1f,\"seconds\":%.3f}\n",
	       name, count, panels[0].mode.hdisplay, panels[0].mode.vdisplay,
	       (unsigned long)tally->warmup, (unsigned long)frames,
	       (unsigned long)missed,
	       frames ? (double)cpu / (double)frames : 0.0,
	       frames ? (double)time / 1e6 : 0.0);
}
