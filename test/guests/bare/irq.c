// SPDX-License-Identifier: MIT
#include "irq.h"

#include <stddef.h>

#include "io.h"
#include "log.h"

#define EXCEPTIONS 32
#define LINES	   16
#define VECTORS	   (EXCEPTIONS + LINES)
#define STUB_SIZE  16	/* in start.S */
#define CODE	   8	/* selector in start.S */
#define GATE	   0x8e /* present, 32-bit interrupt gate */

/* 8259A data sheet, initialization and operation command words */
#define MASTER	     0x20
#define SLAVE	     0xa0
#define ICW1_ICW4    0x11
#define ICW4_8086    0x01
#define CASCADE_LINE 2
#define END	     0x20

/* Intel SDM volume 3, 6.11 IDT Descriptors */
struct gate {
	uint16_t offset_low, selector;
	uint8_t zero, type;
	uint16_t offset_high;
} __attribute__((packed));

struct table_pointer {
	uint16_t limit;
	uint32_t base;
} __attribute__((packed));

extern const uint8_t irq_stubs[];

static struct gate gates[VECTORS];
static bool (*handlers[LINES])(void);
static uint16_t masked = 0xffff;
static volatile uint32_t count;

static void write_mask(void)
{
	out8(MASTER + 1, (uint8_t)masked);
	out8(SLAVE + 1, (uint8_t)(masked >> 8));
}

static void open_controller(uint16_t port, uint8_t vector, uint8_t cascade)
{
	out8(port, ICW1_ICW4);
	out8(port + 1, vector);
	out8(port + 1, cascade);
	out8(port + 1, ICW4_8086);
}

void irq_open(void)
{
	struct table_pointer pointer = { sizeof(gates) - 1, (uint32_t)gates };

	for (unsigned int i = 0; i < VECTORS; i++) {
		uint32_t stub = (uint32_t)irq_stubs + i * STUB_SIZE;

		gates[i] = (struct gate){ (uint16_t)stub, CODE, 0, GATE,
					  (uint16_t)(stub >> 16) };
	}
	__asm__ volatile("lidt %0" : : "m"(pointer));
	open_controller(MASTER, EXCEPTIONS, 1 << CASCADE_LINE);
	open_controller(SLAVE, EXCEPTIONS + 8, CASCADE_LINE);
	masked &= (uint16_t) ~(1 << CASCADE_LINE);
	write_mask();
	__asm__ volatile("sti");
}

void irq_handle(uint8_t line, bool (*handler)(void))
{
	__asm__ volatile("cli");
	handlers[line] = handler;
	masked &= (uint16_t) ~(1 << line);
	write_mask();
	__asm__ volatile("sti");
}

void irq_interrupt(uint32_t line);
void irq_interrupt(uint32_t line)
{
	count++;
	if (!handlers[line] || !handlers[line]()) {
		masked |= (uint16_t)(1 << line);
		write_mask();
	}
	if (line >= 8)
		out8(SLAVE, END);
	out8(MASTER, END);
}

void irq_exception(uint32_t vector, uint32_t first, uint32_t second);
void irq_exception(uint32_t vector, uint32_t first, uint32_t second)
{
	fail("exception %u, stack 0x%x 0x%x", vector, first, second);
}

uint32_t irq_count(void)
{
	return count;
}

void irq_wait(uint32_t seen)
{
	/* sti takes effect after the next instruction: none gets in between. */
	__asm__ volatile("cli");
	if (count == seen)
		__asm__ volatile("sti; hlt");
	else
		__asm__ volatile("sti");
}
