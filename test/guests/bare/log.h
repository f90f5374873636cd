/* SPDX-License-Identifier: MIT */
/* Lines of text on QEMU's debug console, `-debugcon file:PATH`. */
#ifndef LOG_H
#define LOG_H

#include <stdarg.h>
#include <stddef.h>

#define PRINTF(text, first) __attribute__((format(printf, text, first)))

/* Knows %s %u %d %x and %0Nx; cuts what does not fit. */
PRINTF(3, 4)
void text_format(char *text, size_t size, const char *format, ...);

PRINTF(1, 2) void log_line(const char *format, ...);

/* The line `error …`, also on the text screen if there still is one; stops. */
PRINTF(1, 2) __attribute__((noreturn)) void fail(const char *format, ...);

#endif
