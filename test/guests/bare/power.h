/* SPDX-License-Identifier: MIT */
/* Ways to stop. */
#ifndef POWER_H
#define POWER_H

__attribute__((noreturn)) void power_halt(void);
__attribute__((noreturn)) void power_reset(void);

/*
 * ACPI S3. Nothing sets a waking vector, so that after waking the firmware
 * resets the machine and the guest starts again.
 */
__attribute__((noreturn)) void power_sleep(void);

/* ACPI S5. */
__attribute__((noreturn)) void power_off(void);

/* Tells the device pvpanic, and stops. */
__attribute__((noreturn)) void power_panic(void);

#endif
