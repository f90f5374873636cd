/* SPDX-License-Identifier: MIT */
/* virtio-gpu without 3D: resources in 2D or blobs in guest memory. */
#ifndef VIRTIO_GPU_H
#define VIRTIO_GPU_H

#include <stdbool.h>

#include "options.h"
#include "screen.h"

/* Sets up options->heads screens. False: there is no such device. */
bool gpu_open(const struct options *options, struct screen *screens);

/* Sees to changes of the display information. */
void gpu_poll(void);

/* The cursor of head 0: where the options say, or on its way. */
void gpu_move_cursor(uint32_t beat);

#endif
