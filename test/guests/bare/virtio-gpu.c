// SPDX-License-Identifier: MIT
#include "virtio-gpu.h"

#include <stddef.h>

#include "cursor-picture.h"
#include "log.h"
#include "pci.h"
#include "virtio-gpu-wire.h"
#include "virtio.h"

#define VIRTIO_GPU    0x1050
#define PAGE	      4096u
#define NO_RESOURCE   0
#define CURSOR_STEP_X 7u
#define CURSOR_STEP_Y 5u

static const struct options *options;
static struct screen *screens;
static struct virtio device;
static struct virtio_queue control, cursor;
static struct gpu_display_info info;
static uint32_t last_resource, cursor_resource;
static uint64_t last_fence;
static uint32_t cursor_pixels[CURSOR_SIDE * CURSOR_SIDE]
	__attribute__((aligned(PAGE)));

static volatile struct gpu_config *config(void)
{
	return device.config;
}

static void command_answered(void *request, uint32_t size, void *answer,
			     uint32_t answer_size, uint32_t expected)
{
	struct virtio_part parts[] = { { request, size },
				       { answer, answer_size } };
	const struct gpu_header *header = request;
	const volatile struct gpu_header *got = answer;
	uint32_t written = virtio_send(&control, parts, 2, 1);

	if (written < sizeof(*got) || got->type != expected)
		fail("virtio-gpu answers command 0x%x with 0x%x, %u bytes",
		     header->type, got->type, written);
}

static void command(void *request, uint32_t size)
{
	struct gpu_header answer = { 0 };

	command_answered(request, size, &answer, sizeof(answer),
			 RESP_OK_NODATA);
}

static struct gpu_rect whole(const struct canvas *canvas)
{
	return (struct gpu_rect){ 0, 0, canvas->width, canvas->height };
}

static uint32_t page_align(uint32_t size)
{
	return (size + PAGE - 1) & ~(PAGE - 1);
}

static uint32_t create_blob(const void *memory, uint32_t size)
{
	struct gpu_create_blob request = {
		.header.type = CMD_RESOURCE_CREATE_BLOB,
		.resource = ++last_resource,
		.memory = BLOB_MEM_GUEST,
		.flags = BLOB_FLAG_USE_SHAREABLE,
		.entries = 1,
		.size = page_align(size),
		.entry = { (uint32_t)memory, page_align(size), 0 },
	};

	command(&request, sizeof(request));
	return last_resource;
}

static uint32_t create_2d(const void *memory, uint32_t width, uint32_t height,
			  uint32_t format)
{
	struct gpu_create_2d create = {
		.header.type = CMD_RESOURCE_CREATE_2D,
		.resource = ++last_resource,
		.format = format,
		.width = width,
		.height = height,
	};
	struct gpu_attach_backing attach = {
		.header.type = CMD_RESOURCE_ATTACH_BACKING,
		.resource = last_resource,
		.entries = 1,
		.entry = { (uint32_t)memory, width * height * 4, 0 },
	};

	command(&create, sizeof(create));
	command(&attach, sizeof(attach));
	return last_resource;
}

static void transfer(uint32_t resource, const struct rect *rect,
		     uint32_t stride)
{
	struct gpu_transfer request = {
		.header.type = CMD_TRANSFER_TO_HOST_2D,
		.rect = { rect->x, rect->y, rect->width, rect->height },
		.offset = rect->y * stride + rect->x * 4,
		.resource = resource,
	};

	command(&request, sizeof(request));
}

static void unref(uint32_t resource)
{
	struct gpu_unref request = {
		.header.type = CMD_RESOURCE_UNREF,
		.resource = resource,
	};

	command(&request, sizeof(request));
}

static void set_scanout(uint32_t head, const struct screen_buffer *buffer)
{
	struct gpu_set_scanout request = {
		.header.type = CMD_SET_SCANOUT,
		.rect = whole(&buffer->canvas),
		.scanout = head,
		.resource = buffer->resource,
	};

	command(&request, sizeof(request));
}

static void set_scanout_blob(uint32_t head, const struct screen_buffer *buffer)
{
	struct gpu_set_scanout_blob request = {
		.header.type = CMD_SET_SCANOUT_BLOB,
		.rect = whole(&buffer->canvas),
		.scanout = head,
		.resource = buffer->resource,
		.width = buffer->canvas.width,
		.height = buffer->canvas.height,
		.format = FORMAT_B8G8R8X8,
		.strides = { buffer->canvas.stride },
	};

	command(&request, sizeof(request));
}

/*
 * With a fence, as Linux flushes: its answer comes when the frame was shown. A
 * flush without one QEMU starts anew each time a frame was shown, for ever
 * (virtio_gpu_process_cmdq in hw/display/virtio-gpu.c).
 */
static void flush(uint32_t resource, const struct gpu_rect *rect)
{
	struct gpu_flush request = {
		.header.type = CMD_RESOURCE_FLUSH,
		.header.flags = FLAG_FENCE,
		.header.fence = ++last_fence,
		.rect = *rect,
		.resource = resource,
	};

	command(&request, sizeof(request));
}

static void free_old_resources(struct screen *screen)
{
	for (uint32_t i = 0; i < BUFFERS_MAX; i++) {
		if (screen->old_resources[i] != NO_RESOURCE)
			unref(screen->old_resources[i]);
		screen->old_resources[i] = NO_RESOURCE;
	}
}

/* The order of Linux's virtio_gpu_primary_plane_update. */
static void show(struct screen *screen, const struct screen_buffer *buffer,
		 const struct rect *damage)
{
	struct gpu_rect rect = { damage->x, damage->y, damage->width,
				 damage->height };

	if (!options->blob)
		transfer(buffer->resource, damage, buffer->canvas.stride);
	if (screen->shown != buffer) {
		rect = whole(&buffer->canvas);
		if (options->blob)
			set_scanout_blob(screen->scene.head, buffer);
		else
			set_scanout(screen->scene.head, buffer);
	}
	flush(buffer->resource, &rect);
	free_old_resources(screen);
}

static void retire_buffers(struct screen *screen)
{
	free_old_resources(screen); /* of a mode that was never shown */
	for (uint32_t i = 0; i < screen->buffer_count; i++)
		screen->old_resources[i] = screen->buffers[i].resource;
	screen->buffer_count = 0;
	screen->shown = NULL;
	screen->next = 0;
}

static void switch_off(struct screen *screen)
{
	static const struct screen_buffer nothing;

	if (!screen->on)
		return;
	set_scanout(screen->scene.head, &nothing);
	retire_buffers(screen);
	free_old_resources(screen);
	screen->on = false;
	log_line("mode off head %u", screen->scene.head);
}

/* False: the screen stays as it was, for the reason logged. */
static bool set_mode(struct screen *screen, uint32_t width, uint32_t height)
{
	/* With `follow` the old mode's buffers stay whole while it is shown. */
	uint32_t room = screen->memory.size / (options->follow ? 2 : 1);
	uint32_t size = page_align(width * height * 4);
	uint8_t *memory = screen->memory.start;

	if (width < SIDE_MIN || width > SIDE_MAX || height < SIDE_MIN ||
	    height > SIDE_MAX) {
		log_line("error %ux%u is no size to draw", width, height);
		return false;
	}
	if (size > room / options->buffers) {
		log_line("error %u buffers of %ux%u do not fit in %u KiB",
			 options->buffers, width, height, room >> 10);
		return false;
	}
	retire_buffers(screen);
	if (screen->upper_half)
		memory += room & ~(PAGE - 1);
	screen->upper_half = options->follow && !screen->upper_half;
	for (uint32_t i = 0; i < options->buffers; i++, memory += size)
		screen->buffers[i] = (struct screen_buffer){
			.canvas = { memory, width, height, width * 4, 32 },
			.resource = options->blob
					    ? create_blob(memory, size)
					    : create_2d(memory, width, height,
							FORMAT_B8G8R8X8),
		};
	screen->buffer_count = options->buffers;
	screen->on = true;
	log_line("mode %ux%u head %u", width, height, screen->scene.head);
	return true;
}

/* True: the head differs from what it was. */
static bool update_head(uint32_t head, const struct gpu_display_info *now)
{
	struct gpu_rect *rect = &info.heads[head].rect;

	if (info.heads[head].enabled == now->heads[head].enabled &&
	    rect->width == now->heads[head].rect.width &&
	    rect->height == now->heads[head].rect.height)
		return false;
	info.heads[head] = now->heads[head];
	if (info.heads[head].enabled)
		log_line("display %u %ux%u", head, rect->width, rect->height);
	else
		log_line("display %u off", head);
	return true;
}

static void read_display_info(struct gpu_display_info *now)
{
	struct gpu_header request = { .type = CMD_GET_DISPLAY_INFO };

	config()->events_clear = EVENT_DISPLAY;
	command_answered(&request, sizeof(request), now, sizeof(*now),
			 RESP_OK_DISPLAY_INFO);
}

/* False: as set_mode. */
static bool follow(struct screen *screen)
{
	uint32_t head = screen->scene.head;

	if (info.heads[head].enabled)
		return set_mode(screen, info.heads[head].rect.width,
				info.heads[head].rect.height);
	switch_off(screen);
	return true;
}

void gpu_poll(void)
{
	static struct gpu_display_info now;

	if (!(config()->events_read & EVENT_DISPLAY))
		return;
	read_display_info(&now);
	for (uint32_t head = 0; head < options->heads; head++) {
		if (update_head(head, &now) && options->follow)
			follow(&screens[head]);
	}
}

/* Without `follow`, heads that are off by the display info are used as well. */
static bool open_screen(struct screen *screen)
{
	if (options->follow &&
	    (!options->mode_given || !info.heads[screen->scene.head].enabled))
		return follow(screen);
	return set_mode(screen, options->width, options->height);
}

static void open_screens(void)
{
	struct memory memory = multiboot_memory();
	static struct gpu_display_info now;

	memory.size = memory.size / options->heads & ~(PAGE - 1);
	read_display_info(&now);
	for (uint32_t head = 0; head < options->heads; head++) {
		struct screen *screen = &screens[head];

		screen->memory = memory;
		memory.start += memory.size;
		screen->scene.path = options->blob ? "BLOB" : "2D";
		screen->show = show;
		update_head(head, &now);
		if (!open_screen(screen))
			fail("head %u has no mode", head);
	}
}

static void open_cursor(void)
{
	static const struct rect all = { 0, 0, CURSOR_SIDE, CURSOR_SIDE };

	cursor_picture_draw(cursor_pixels);
	if (options->blob) {
		cursor_resource =
			create_blob(cursor_pixels, sizeof(cursor_pixels));
		return;
	}
	cursor_resource = create_2d(cursor_pixels, CURSOR_SIDE, CURSOR_SIDE,
				    FORMAT_B8G8R8A8);
	transfer(cursor_resource, &all, CURSOR_SIDE * 4);
}

bool gpu_open(const struct options *given, struct screen *all)
{
	struct pci_device pci;

	if (!pci_find(VIRTIO_VENDOR, VIRTIO_GPU, &pci))
		return false;
	options = given;
	screens = all;
	virtio_open(&device, &pci, options->blob ? F_RESOURCE_BLOB : 0);
	virtio_interrupts(&pci);
	if (options->blob && !(device.features & F_RESOURCE_BLOB))
		fail("blob: virtio-gpu does not offer it (blob=true)");
	if (options->heads > config()->num_scanouts)
		fail("heads: virtio-gpu has %u (max_outputs=)",
		     config()->num_scanouts);
	virtio_open_queue(&device, &control, CONTROL_QUEUE);
	virtio_open_queue(&device, &cursor, CURSOR_QUEUE);
	virtio_start(&device);
	open_screens();
	if (options->cursor)
		open_cursor();
	return true;
}

/* To and fro between 0 and length - 1. */
static uint32_t swing(uint32_t at, uint32_t length)
{
	at %= 2 * length - 2;
	return at < length ? at : 2 * length - 2 - at;
}

/* This queue has no answers (5.7.6.10), only the return of the request. */
static void send_cursor(uint32_t type, uint32_t x, uint32_t y)
{
	/* QEMU hides the cursor when a move does not name the resource. */
	struct gpu_cursor request = {
		.header.type = type,
		.x = x,
		.y = y,
		.resource = cursor_resource,
		.hot_x = CURSOR_HOT_X,
		.hot_y = CURSOR_HOT_Y,
	};
	struct virtio_part part = { &request, sizeof(request) };

	virtio_send(&cursor, &part, 1, 1);
}

void gpu_move_cursor(uint32_t beat)
{
	static bool defined;
	const struct canvas *canvas = &screens[0].buffers[0].canvas;
	uint32_t x = options->cursor_x, y = options->cursor_y;

	if (!screens[0].on || (defined && options->cursor_fixed))
		return;
	if (!options->cursor_fixed) {
		x = swing(beat * CURSOR_STEP_X, canvas->width);
		y = swing(beat * CURSOR_STEP_Y, canvas->height);
	}
	send_cursor(defined ? CMD_MOVE_CURSOR : CMD_UPDATE_CURSOR, x, y);
	if (!defined)
		log_line("cursor %u %u", x, y);
	defined = true;
}
