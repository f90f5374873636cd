/* SPDX-License-Identifier: MIT */
/* A steady beat from the 8254, whose interrupt also ends every sleep. */
#ifndef TIMER_H
#define TIMER_H

#include <stdbool.h>
#include <stdint.h>

#define TIMER_RATE_MAX 1000

/* rate beats a second, 0: timer_beat() is always true. */
void timer_open(uint32_t rate);

/* Whether a beat is due; those missed are left out. */
bool timer_beat(void);

uint32_t timer_seconds(void);

/* The processor's own clock, in 2^20 of its cycles: no interrupt lost stops it.
 */
uint32_t timer_cycles(void);

#endif
