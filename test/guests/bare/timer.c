// SPDX-License-Identifier: MIT
#include "timer.h"

#include "io.h"
#include "irq.h"

/* 8254 data sheet, control word */
#define COUNTER0       0x40
#define CONTROL	       0x43
#define RATE_GENERATOR 0x34 /* counter 0, both bytes, mode 2 */
#define CLOCK	       1193182u
#define RATE_MIN       19 /* the divisor has 16 bits */
#define RATE_UNPACED   20
#define LINE	       0

static volatile uint32_t ticks;
static uint32_t tick_rate, ticks_per_beat, due;

static bool tick(void)
{
	ticks++;
	return true;
}

void timer_open(uint32_t rate)
{
	uint32_t divisor;

	if (rate == 0) {
		tick_rate = RATE_UNPACED;
	} else {
		ticks_per_beat = (RATE_MIN + rate - 1) / rate;
		tick_rate = rate * ticks_per_beat;
	}
	divisor = (CLOCK + tick_rate / 2) / tick_rate;
	out8(CONTROL, RATE_GENERATOR);
	out8(COUNTER0, (uint8_t)divisor);
	out8(COUNTER0, (uint8_t)(divisor >> 8));
	irq_handle(LINE, tick);
}

bool timer_beat(void)
{
	uint32_t now = ticks;

	if ((int32_t)(now - due) < 0)
		return false;
	due += ticks_per_beat;
	if ((int32_t)(now - due) >= 0)
		due = now + ticks_per_beat;
	return true;
}

uint32_t timer_seconds(void)
{
	return ticks / tick_rate;
}

uint32_t timer_cycles(void)
{
	uint32_t low, high;

	__asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
	return high << 12 | low >> 20;
}
