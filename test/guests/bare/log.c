// SPDX-License-Identifier: MIT
#include "log.h"

#include <stdbool.h>
#include <stdint.h>

#include "io.h"
#include "power.h"

#define DEBUG_CONSOLE 0xe9 /* QEMU's isa-debugcon */
#define LINE_MAX      160
#define NUMBER_MAX    12
#define TEXT_SCREEN   0xb8000u
#define WHITE_ON_RED  0x4f00u

struct text {
	char *start;
	size_t size, length;
};

static void put(struct text *text, char c)
{
	if (text->length + 1 < text->size)
		text->start[text->length++] = c;
}

static void put_string(struct text *text, const char *string)
{
	while (*string)
		put(text, *string++);
}

static void put_number(struct text *text, uint32_t number, unsigned int base,
		       unsigned int digits)
{
	char reversed[NUMBER_MAX];
	unsigned int count = 0;

	do {
		reversed[count++] = "0123456789abcdef"[number % base];
		number /= base;
	} while (number || (count < digits && count < NUMBER_MAX));
	while (count > 0)
		put(text, reversed[--count]);
}

static void put_signed(struct text *text, int32_t number)
{
	if (number < 0)
		put(text, '-');
	put_number(text, number < 0 ? -(uint32_t)number : (uint32_t)number, 10,
		   1);
}

static void format_list(char *start, size_t size, const char *format,
			va_list list)
{
	struct text text = { .start = start, .size = size };

	for (; *format; format++) {
		unsigned int digits = 1;

		if (*format != '%') {
			put(&text, *format);
			continue;
		}
		format++;
		if (format[0] == '0') {
			digits = (unsigned int)(format[1] - '0');
			format += 2;
		}
		switch (*format) {
		case 's':
			put_string(&text, va_arg(list, const char *));
			break;
		case 'u':
			put_number(&text, va_arg(list, uint32_t), 10, digits);
			break;
		case 'x':
			put_number(&text, va_arg(list, uint32_t), 16, digits);
			break;
		case 'd':
			put_signed(&text, va_arg(list, int32_t));
			break;
		default:
			put(&text, *format);
		}
	}
	start[text.length] = '\0';
}

void text_format(char *text, size_t size, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	format_list(text, size, format, list);
	va_end(list);
}

static void write_line(const char *line)
{
	while (*line)
		out8(DEBUG_CONSOLE, (uint8_t)*line++);
	out8(DEBUG_CONSOLE, '\n');
}

void log_line(const char *format, ...)
{
	char line[LINE_MAX];
	va_list list;

	va_start(list, format);
	format_list(line, sizeof(line), format, list);
	va_end(list);
	write_line(line);
}

void fail(const char *format, ...)
{
	volatile uint16_t *screen = (volatile uint16_t *)TEXT_SCREEN;
	char reason[LINE_MAX], line[LINE_MAX];
	va_list list;

	va_start(list, format);
	format_list(reason, sizeof(reason), format, list);
	va_end(list);
	text_format(line, sizeof(line), "error %s", reason);
	write_line(line);
	for (const char *c = line; *c; c++)
		*screen++ = (uint16_t)(WHITE_ON_RED | (uint8_t)*c);
	power_halt();
}
