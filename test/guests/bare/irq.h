/* SPDX-License-Identifier: MIT */
/*
 * Interrupts through the two 8259s, and sleep between them: a guest that spins
 * would take the host processor from what is tested.
 */
#ifndef IRQ_H
#define IRQ_H

#include <stdbool.h>
#include <stdint.h>

void irq_open(void);

/* Calls handler(line), interrupts being off, until it returns false. */
void irq_handle(uint8_t line, bool (*handler)(void));

/*
 * Sleeps unless an interrupt came since irq_count() said `seen`:
 *
 *	seen = irq_count();
 *	if (nothing to do)
 *		irq_wait(seen);
 */
uint32_t irq_count(void);
void irq_wait(uint32_t seen);

#endif
