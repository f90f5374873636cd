/* SPDX-License-Identifier: MIT */
/* Input devices on virtio: what they say goes to the log. */
#ifndef VIRTIO_INPUT_H
#define VIRTIO_INPUT_H

void input_open(void);
void input_poll(void);

#endif
