// SPDX-License-Identifier: MIT
/*
 * A card that lights no mode of one width: preloaded into a program, it has
 * atomic commits that would set one fail as they do for want of bandwidth, and
 * changes nothing else.
 *
 *	LD_PRELOAD=narrow-card.so NARROW_CARD=1280 PROGRAM
 */
#include <dlfcn.h>
#include <drm.h>
#include <drm_mode.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

enum { MODES = 64 };

/* Blobs of the refused modes; 0: none. */
static _Atomic uint32_t refused[MODES];

static int call(int fd, unsigned long request, void *argument)
{
	static int (*next)(int, unsigned long, ...);

	if (!next)
		next = (int (*)(int, unsigned long, ...))dlsym(RTLD_NEXT,
							       "ioctl");
	return next(fd, request, argument);
}

/* The place of a blob, whose id is no other object's while it lives. */
static _Atomic uint32_t *place_of(uint64_t blob)
{
	for (unsigned int i = 0; i < MODES; i++)
		if (refused[i] == blob)
			return &refused[i];
	return NULL;
}

static bool sets_refused(const struct drm_mode_atomic *commit)
{
	const uint32_t *counts = (const uint32_t *)commit->count_props_ptr;
	const uint64_t *values = (const uint64_t *)commit->prop_values_ptr;

	for (uint32_t object = 0; object < commit->count_objs; object++)
		for (uint32_t i = 0; i < counts[object]; i++, values++)
			if (*values != 0 && place_of(*values))
				return true;
	return false;
}

static void remember(const struct drm_mode_create_blob *blob)
{
	const struct drm_mode_modeinfo *mode = (const void *)blob->data;
	const char *width = getenv("NARROW_CARD");
	_Atomic uint32_t *free = place_of(0);

	if (blob->length == sizeof(*mode) && width && free &&
	    mode->hdisplay == atoi(width))
		*free = blob->blob_id;
}

static void forget(const struct drm_mode_destroy_blob *blob)
{
	_Atomic uint32_t *place = place_of(blob->blob_id);

	if (place)
		*place = 0;
}

int ioctl(int fd, unsigned long request, ...)
{
	va_list rest;
	void *argument;
	int result;

	va_start(rest, request);
	argument = va_arg(rest, void *);
	va_end(rest);
	if (request == DRM_IOCTL_MODE_ATOMIC && sets_refused(argument)) {
		errno = ENOSPC;
		return -1;
	}
	if (request == DRM_IOCTL_MODE_DESTROYPROPBLOB)
		forget(argument);
	result = call(fd, request, argument);
	if (request == DRM_IOCTL_MODE_CREATEPROPBLOB && result == 0)
		remember(argument);
	return result;
}
