/* SPDX-License-Identifier: MIT */
/* What the PS/2 keyboard and mouse sent, in order and in sums. */
#ifndef PS2_H
#define PS2_H

#include <stdbool.h>
#include <stdint.h>

#define PS2_KEYS 256

struct ps2_state {
	uint8_t keys[PS2_KEYS]; /* byte n of set 1 at n mod PS2_KEYS */
	uint32_t key_count;
	int32_t x, y, wheel; /* sums; right, down and towards are positive */
	uint32_t buttons;    /* 1 left, 2 right, 4 middle */
	uint32_t changes;    /* of anything above */
};

void ps2_open(void);

/* Takes what came since, with a log line for each. */
const struct ps2_state *ps2_read(void);

#endif
