// SPDX-License-Identifier: MIT
#include "power.h"

#include <stdbool.h>
#include <stdint.h>

#include "io.h"
#include "irq.h"
#include "log.h"
#include "pci.h"
#include "timer.h"

#define RESET_CONTROL 0xcf9 /* ICH9 data sheet, 13.7.5 RST_CNT */
#define RESET_SYSTEM  0x02
#define RESET_NOW     0x06
#define I8042_COMMAND 0x64
#define PATIENCE      2 /* seconds */
#define I8042_RESET   0xfe

#define INTEL	      0x8086
#define PIIX4_PM      0x7113
#define ICH9_LPC      0x2918
#define PM_BASE	      0x40
#define PM_BASE_MASK  0xffc0u
#define PM1_CONTROL   4
#define SLEEP_ENABLE  (1u << 13)
#define SLEEP_TYPE_S3 (1u << 10) /* \_S3 of QEMU's DSDT, pc and q35 alike */
#define SLEEP_TYPE_S5 0		 /* \_S5 */

#define PVPANIC		 0x505 /* docs/specs/pvpanic in QEMU */
#define PVPANIC_PANICKED 1

void power_halt(void)
{
	for (;;)
		__asm__ volatile("cli; hlt");
}

/* QEMU lets the processor run on a little: asking again would reset twice. */
static void give_time(void)
{
	uint32_t start = timer_seconds();

	while (timer_seconds() - start <= PATIENCE)
		irq_wait(irq_count());
}

void power_reset(void)
{
	out8(RESET_CONTROL, RESET_SYSTEM);
	out8(RESET_CONTROL, RESET_NOW);
	give_time();
	out8(I8042_COMMAND, I8042_RESET);
	give_time();
	fail("neither port 0xcf9 nor the i8042 reset the machine");
}

__attribute__((noreturn)) static void sleep_in(uint16_t type)
{
	struct pci_device device;
	uint16_t base;

	if (!pci_find(INTEL, PIIX4_PM, &device) &&
	    !pci_find(INTEL, ICH9_LPC, &device))
		fail("no ACPI: neither a PIIX4 nor an ICH9");
	base = (uint16_t)(pci_read32(&device, PM_BASE) & PM_BASE_MASK);
	if (base == 0)
		fail("no ACPI: the firmware left its ports off");
	out16(base + PM1_CONTROL, type | SLEEP_ENABLE);
	/* The machine wakes in the firmware, not here. */
	power_halt();
}

void power_sleep(void)
{
	sleep_in(SLEEP_TYPE_S3);
}

void power_off(void)
{
	sleep_in(SLEEP_TYPE_S5);
}

void power_panic(void)
{
	out8(PVPANIC, PVPANIC_PANICKED);
	power_halt();
}
