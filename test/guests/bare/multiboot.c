// SPDX-License-Identifier: MIT
#include "multiboot.h"

#include <stddef.h>

#include "log.h"

#define LOADED_BY_MULTIBOOT 0x2badb002u
#define HAS_COMMAND_LINE    (1u << 2)
#define HAS_MEMORY_MAP	    (1u << 6)
#define MEMORY_AVAILABLE    1
#define PAGE		    4096u

struct information {
	uint32_t flags;
	uint32_t memory_lower, memory_upper;
	uint32_t boot_device;
	uint32_t command_line;
	uint32_t modules[2];
	uint32_t symbols[4];
	uint32_t map_length, map_address;
};

struct map_entry {
	uint32_t size; /* of what follows */
	uint64_t address, length;
	uint32_t type;
} __attribute__((packed));

extern uint8_t end_of_image[];

static struct memory memory;

static void copy_options(const char *line, char *options, uint32_t size)
{
	uint32_t length = 0;

	while (*line && *line != ' ')
		line++;
	for (; *line; line++) {
		if (length + 1 == size)
			fail("the command line has more than %u characters",
			     size - 1);
		options[length++] = *line;
	}
	options[length] = '\0';
}

static void find_memory(const struct information *information)
{
	uint32_t start = ((uint32_t)end_of_image + PAGE - 1) & ~(PAGE - 1);
	uint32_t at = information->map_address;
	uint32_t map_end = at + information->map_length;

	while (at < map_end) {
		const struct map_entry *entry = (const struct map_entry *)at;
		uint64_t end = entry->address + entry->length;

		if (entry->type == MEMORY_AVAILABLE &&
		    entry->address <= start && end > start &&
		    end <= UINT32_MAX) {
			memory.start = (uint8_t *)start;
			memory.size = ((uint32_t)end - start) & ~(PAGE - 1);
		}
		at += entry->size + sizeof(entry->size);
	}
	if (memory.size == 0)
		fail("the memory map has no RAM at 0x%x", start);
}

void multiboot_read(uint32_t magic, uint32_t address, char *options,
		    uint32_t options_size)
{
	const struct information *information =
		(const struct information *)address;

	options[0] = '\0';
	if (magic != LOADED_BY_MULTIBOOT)
		fail("not loaded by multiboot: magic 0x%x", magic);
	if (information->flags & HAS_COMMAND_LINE)
		copy_options((const char *)information->command_line, options,
			     options_size);
	if (!(information->flags & HAS_MEMORY_MAP))
		fail("multiboot gave no memory map");
	find_memory(information);
}

struct memory multiboot_memory(void)
{
	return memory;
}
