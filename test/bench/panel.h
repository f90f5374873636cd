/* SPDX-License-Identifier: MIT */
/*
 * What both peers need of KMS: panels to show on, framebuffers from dma-bufs,
 * and the tally of flips and CPU time they print. Legacy API throughout.
 */
#ifndef PANEL_H
#define PANEL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>
#include <xf86drmMode.h>

#define PANELS_MAX 8

struct panel {
	uint32_t connector;
	uint32_t crtc;
	drmModeModeInfo mode;
	uint64_t frames; /* flips completed */
	uint64_t missed; /* vblanks between flips without a flip */
	uint32_t sequence;
};

struct layout {
	uint32_t width, height, stride, fourcc;
	uint64_t modifier;
};

/* Flips during the first `warmup` frames of each panel are not measured. */
struct tally {
	uint64_t warmup;
	bool warm;
	uint64_t frames_before, missed_before;
	int64_t cpu_before_us, started_us;
};

/* A CRTC each for the first `count` connected connectors; 0 or -errno. */
int panels_find(int card, struct panel *panels, unsigned int count,
		unsigned int width, unsigned int height);

/* 0 or -errno. No GEM handle remains: the framebuffer holds the memory. */
int panel_import(int card, int dmabuf, const struct layout *layout,
		 uint32_t *framebuffer);

/* Modesets. The panel's vblank count starts anew with the next flip. */
int panel_set(int card, struct panel *panel, uint32_t framebuffer);
void panel_flipped(struct panel *panel, uint32_t sequence);

/* To be called after a round of flips. */
void tally_update(struct tally *tally, const struct panel *panels,
		  unsigned int count);
void tally_print(const struct tally *tally, const char *name,
		 const struct panel *panels, unsigned int count);

#endif
