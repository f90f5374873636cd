// SPDX-License-Identifier: MIT
#include "virtio.h"

#include <stddef.h>
#include <string.h>

#include "io.h"
#include "irq.h"
#include "log.h"
#include "timer.h"

/* 4.1.4 Virtio Structure PCI Capabilities, offsets within one */
#define CAPABILITY_TYPE	  3
#define CAPABILITY_BAR	  4
#define CAPABILITY_OFFSET 8
#define NOTIFY_MULTIPLIER 16
#define TYPE_COMMON	  1
#define TYPE_NOTIFY	  2
#define TYPE_INTERRUPT	  3
#define TYPE_DEVICE	  4

/* 2.1 Device Status Field */
#define ACKNOWLEDGE	  1
#define DRIVER		  2
#define DRIVER_OK	  4
#define FEATURES_OK	  8
#define FEATURE_VERSION_1 (1u << (32 - 32)) /* in the second 32 */

#define DESCRIPTOR_NEXT	 1
#define DESCRIPTOR_WRITE 2
#define NO_INTERRUPT	 1
#define IRQ_LINES	 16
#define PATIENCE	 5 /* seconds */

/* 4.1.4.3 Common configuration structure layout */
struct virtio_common {
	uint32_t device_feature_select, device_feature;
	uint32_t driver_feature_select, driver_feature;
	uint16_t msix_config, num_queues;
	uint8_t device_status, config_generation;
	uint16_t queue_select, queue_size, queue_msix_vector, queue_enable,
		queue_notify_off;
	uint32_t queue_descriptors[2], queue_available[2], queue_used[2];
};
_Static_assert(offsetof(struct virtio_common, queue_descriptors) == 32,
	       "as in the specification");

static volatile uint8_t *interrupt_status;

/* Reading takes the interrupt back. None here: another device's, masked. */
static bool interrupt(void)
{
	return *interrupt_status != 0;
}

static uint8_t find_capability(const struct pci_device *pci, uint8_t type)
{
	uint8_t at = 0;

	do {
		at = pci_capability(pci, PCI_CAPABILITY_VENDOR, at);
		if (at == 0)
			fail("virtio device without capability %u: is it "
			     "disable-modern=on?",
			     type);
	} while (pci_read8(pci, at + CAPABILITY_TYPE) != type);
	return at;
}

static volatile void *map(const struct pci_device *pci, uint8_t type)
{
	uint8_t at = find_capability(pci, type);

	return pci_bar(pci, pci_read8(pci, at + CAPABILITY_BAR)) +
	       pci_read32(pci, at + CAPABILITY_OFFSET);
}

static void agree_on_features(struct virtio *device, uint32_t wanted)
{
	volatile struct virtio_common *common = device->common;

	common->device_feature_select = 1;
	if (!(common->device_feature & FEATURE_VERSION_1))
		fail("virtio device without VIRTIO_F_VERSION_1");
	common->device_feature_select = 0;
	device->features = common->device_feature & wanted;
	common->driver_feature_select = 0;
	common->driver_feature = device->features;
	common->driver_feature_select = 1;
	common->driver_feature = FEATURE_VERSION_1;
	common->device_status |= FEATURES_OK;
	if (!(common->device_status & FEATURES_OK))
		fail("virtio device refuses features 0x%x", device->features);
}

void virtio_open(struct virtio *device, const struct pci_device *pci,
		 uint32_t wanted)
{
	pci_enable(pci);
	device->common = map(pci, TYPE_COMMON);
	device->notify = map(pci, TYPE_NOTIFY);
	device->notify_multiplier = pci_read32(
		pci, find_capability(pci, TYPE_NOTIFY) + NOTIFY_MULTIPLIER);
	device->config = map(pci, TYPE_DEVICE);
	device->common->device_status = 0;
	while (device->common->device_status != 0)
		;
	device->common->device_status |= ACKNOWLEDGE;
	device->common->device_status |= DRIVER;
	agree_on_features(device, wanted);
}

void virtio_interrupts(const struct pci_device *pci)
{
	uint8_t line = pci_read8(pci, PCI_INTERRUPT_LINE);

	interrupt_status = map(pci, TYPE_INTERRUPT);
	/* Without a line the timer ends the waiting, only later. */
	if (line > 0 && line < IRQ_LINES)
		irq_handle(line, interrupt);
}

static void write_address(volatile uint32_t *field, const volatile void *memory)
{
	field[0] = (uint32_t)memory;
	field[1] = 0;
}

void virtio_open_queue(struct virtio *device, struct virtio_queue *queue,
		       uint16_t number)
{
	volatile struct virtio_common *common = device->common;

	common->queue_select = number;
	if (common->queue_size < VIRTIO_QUEUE_SIZE)
		fail("virtio queue %u has size %u", (uint32_t)number,
		     (uint32_t)common->queue_size);
	common->queue_size = VIRTIO_QUEUE_SIZE;
	write_address(common->queue_descriptors, queue->descriptors);
	write_address(common->queue_available, &queue->available);
	write_address(common->queue_used, &queue->used);
	queue->device = device;
	queue->number = number;
	queue->notify =
		(volatile uint16_t *)(device->notify +
				      common->queue_notify_off *
					      device->notify_multiplier);
	common->queue_enable = 1;
}

void virtio_start(struct virtio *device)
{
	device->common->device_status |= DRIVER_OK;
}

static bool has_answer(const struct virtio_queue *queue)
{
	memory_barrier();
	return *(const volatile uint16_t *)&queue->used.index !=
	       queue->answered;
}

static void make_available(struct virtio_queue *queue, uint16_t descriptor)
{
	queue->available.ring[queue->available.index % VIRTIO_QUEUE_SIZE] =
		descriptor;
	memory_barrier();
	queue->available.index++;
	memory_barrier();
	*queue->notify = queue->number;
}

static void wait(struct virtio_queue *queue)
{
	uint32_t start = timer_seconds();
	bool patient = true;

	for (;;) {
		uint32_t seen = irq_count();

		if (has_answer(queue))
			break;
		if (patient && timer_seconds() - start >= PATIENCE) {
			patient = false;
			log_line(
				"error virtio queue %u: no answer for %u s, "
				"device status 0x%x",
				(uint32_t)queue->number, PATIENCE,
				(uint32_t)queue->device->common->device_status);
		}
		irq_wait(seen);
	}
	queue->answered++;
	memory_barrier();
}

uint32_t virtio_send(struct virtio_queue *queue,
		     const struct virtio_part *parts, uint16_t count,
		     uint16_t readable)
{
	uint16_t slot = queue->answered % VIRTIO_QUEUE_SIZE;

	for (uint16_t i = 0; i < count; i++)
		queue->descriptors[i] = (struct virtio_descriptor){
			.address = (uint32_t)parts[i].data,
			.size = parts[i].size,
			.flags = (uint16_t)((i + 1 < count ? DESCRIPTOR_NEXT
							   : 0) |
					    (i >= readable ? DESCRIPTOR_WRITE
							   : 0)),
			.next = (uint16_t)(i + 1),
		};
	make_available(queue, 0);
	wait(queue);
	return queue->used.ring[slot].size;
}

void virtio_offer(struct virtio_queue *queue, void *room, uint32_t size)
{
	queue->available.flags = NO_INTERRUPT;
	for (uint16_t i = 0; i < VIRTIO_QUEUE_SIZE; i++) {
		queue->descriptors[i] = (struct virtio_descriptor){
			.address = (uint32_t)room + i * size,
			.size = size,
			.flags = DESCRIPTOR_WRITE,
		};
		make_available(queue, i);
	}
}

bool virtio_receive(struct virtio_queue *queue, void *message)
{
	const struct virtio_descriptor *filled;
	uint32_t id;

	if (!has_answer(queue))
		return false;
	id = queue->used.ring[queue->answered++ % VIRTIO_QUEUE_SIZE].id;
	filled = &queue->descriptors[id];
	memcpy(message, (const void *)(uint32_t)filled->address, filled->size);
	make_available(queue, (uint16_t)id);
	return true;
}
