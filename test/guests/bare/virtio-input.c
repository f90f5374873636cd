// SPDX-License-Identifier: MIT
/* Virtual I/O Device Version 1.2, 5.8 Input Device. */
#include "virtio-input.h"

#include <stddef.h>
#include <stdint.h>

#include "log.h"
#include "pci.h"
#include "virtio.h"

#define VIRTIO_INPUT   0x1052
#define DEVICES_MAX    4
#define EVENT_QUEUE    0
#define CONFIG_ID_NAME 1

struct input_config {
	uint8_t select, subselect, size, reserved[5];
	uint8_t text[128];
};

struct input_event {
	uint16_t type, code;
	uint32_t value;
};

static struct input {
	struct virtio device;
	struct virtio_queue events;
	struct input_event room[VIRTIO_QUEUE_SIZE];
} inputs[DEVICES_MAX];
static uint32_t input_count;

static void log_name(uint32_t number, volatile struct input_config *config)
{
	char name[sizeof(config->text) + 1];
	uint32_t size;

	config->select = CONFIG_ID_NAME;
	config->subselect = 0;
	size = config->size;
	if (size > sizeof(config->text))
		fail("virtio-input %u has a name of %u bytes", number, size);
	for (uint32_t i = 0; i < size; i++)
		name[i] = (char)config->text[i];
	name[size] = '\0';
	log_line("input %u %s", number, name);
}

void input_open(void)
{
	struct pci_device pci;

	while (input_count < DEVICES_MAX &&
	       pci_find_after(VIRTIO_VENDOR, VIRTIO_INPUT, input_count, &pci)) {
		struct input *input = &inputs[input_count];

		virtio_open(&input->device, &pci, 0);
		virtio_open_queue(&input->device, &input->events, EVENT_QUEUE);
		log_name(input_count, input->device.config);
		virtio_start(&input->device);
		virtio_offer(&input->events, input->room,
			     sizeof(input->room[0]));
		input_count++;
	}
}

void input_poll(void)
{
	struct input_event event;

	for (uint32_t i = 0; i < input_count; i++) {
		while (virtio_receive(&inputs[i].events, &event))
			log_line("event %u %u %u %d", i, event.type, event.code,
				 (int32_t)event.value);
	}
}
