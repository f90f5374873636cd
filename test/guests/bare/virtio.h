/* SPDX-License-Identifier: MIT */
/*
 * A modern virtio device on PCI and its split queues, one request at a time
 * (Virtual I/O Device Version 1.2: 2.7, 3.1, 4.1).
 */
#ifndef VIRTIO_H
#define VIRTIO_H

#include <stdbool.h>
#include <stdint.h>

#include "pci.h"

#define VIRTIO_VENDOR	  0x1af4
#define VIRTIO_QUEUE_SIZE 16

struct virtio_common; /* registers */

struct virtio {
	volatile struct virtio_common *common;
	volatile uint8_t *notify;
	uint32_t notify_multiplier;
	volatile void *config; /* the device type's own registers */
	uint32_t features;     /* agreed upon, of the first 32 */
};

struct virtio_descriptor {
	uint64_t address;
	uint32_t size;
	uint16_t flags, next;
};

struct virtio_queue {
	struct virtio_descriptor descriptors[VIRTIO_QUEUE_SIZE]
		__attribute__((aligned(16)));
	struct {
		uint16_t flags, index, ring[VIRTIO_QUEUE_SIZE];
	} available;
	struct {
		uint16_t flags, index;
		struct {
			uint32_t id, size;
		} ring[VIRTIO_QUEUE_SIZE];
	} used __attribute__((aligned(4)));
	const struct virtio *device;
	volatile uint16_t *notify;
	uint16_t number, answered;
};

/* A piece of a request, or the room for the answer. */
struct virtio_part {
	void *data;
	uint32_t size;
};

/* Ends ready for queues. Of the features wanted, those offered are taken. */
void virtio_open(struct virtio *device, const struct pci_device *pci,
		 uint32_t wanted);
/* Its answers wake whoever waits; of one device only. */
void virtio_interrupts(const struct pci_device *pci);
void virtio_open_queue(struct virtio *device, struct virtio_queue *queue,
		       uint16_t number);
void virtio_start(struct virtio *device);

/*
 * The first `readable` parts go out, the others take the answer. Returns how
 * many bytes were written. Waits for as long as it takes, but says so.
 */
uint32_t virtio_send(struct virtio_queue *queue,
		     const struct virtio_part *parts, uint16_t count,
		     uint16_t readable);

/*
 * A queue of what the device says of itself: room for VIRTIO_QUEUE_SIZE
 * messages, of which the next is read into `message`, if there is one.
 */
void virtio_offer(struct virtio_queue *queue, void *room, uint32_t size);
bool virtio_receive(struct virtio_queue *queue, void *message);

#endif
