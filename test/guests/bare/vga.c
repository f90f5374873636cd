// SPDX-License-Identifier: MIT
/* The Bochs display interface: QEMU's docs/specs/standard-vga.rst. */
#include "vga.h"

#include "io.h"
#include "log.h"
#include "pci.h"

#define INDEX_PORT     0x1ce
#define DATA_PORT      0x1cf
#define ID	       0
#define X_RESOLUTION   1
#define Y_RESOLUTION   2
#define BITS_PER_PIXEL 3
#define ENABLE	       4
#define VIRTUAL_WIDTH  6
#define X_OFFSET       8
#define Y_OFFSET       9
#define MEMORY_64K     10
#define ENABLED	       0x01
#define LINEAR	       0x40
#define ID_MASK	       0xfff0
#define ID_BOCHS       0xb0c0

#define QEMU_VENDOR	0x1234
#define STANDARD_VGA	0x1111
#define VIRTIO_VENDOR	0x1af4
#define VIRTIO_GPU	0x1050
#define CLASS_VGA	0x0300 /* base class and subclass */
#define FRAMEBUFFER_BAR 0

static void write_register(uint16_t index, uint32_t value)
{
	out16(INDEX_PORT, index);
	out16(DATA_PORT, (uint16_t)value);
}

static uint16_t read_register(uint16_t index)
{
	out16(INDEX_PORT, index);
	return in16(DATA_PORT);
}

static void find(struct pci_device *device)
{
	if (pci_find(QEMU_VENDOR, STANDARD_VGA, device) ||
	    pci_find(VIRTIO_VENDOR, VIRTIO_GPU, device)) {
		if (pci_read32(device, PCI_CLASS) >> 16 == CLASS_VGA)
			return;
	}
	fail("no display: neither virtio-gpu nor a standard VGA");
}

static void set_mode(const struct options *options)
{
	if ((read_register(ID) & ID_MASK) != ID_BOCHS)
		fail("the VGA has no Bochs display interface");
	write_register(ENABLE, 0);
	write_register(X_RESOLUTION, options->width);
	write_register(Y_RESOLUTION, options->height);
	write_register(BITS_PER_PIXEL, options->bpp);
	write_register(ENABLE, ENABLED | LINEAR);
	write_register(X_OFFSET, 0);
	write_register(Y_OFFSET, 0);
	/* QEMU rounds the width down to eights and cuts to its memory. */
	if (read_register(X_RESOLUTION) != options->width ||
	    read_register(Y_RESOLUTION) != options->height)
		fail("mode %ux%u: the VGA made it %ux%u", options->width,
		     options->height, (uint32_t)read_register(X_RESOLUTION),
		     (uint32_t)read_register(Y_RESOLUTION));
}

static void show(struct screen *screen, const struct screen_buffer *buffer,
		 const struct rect *damage)
{
	uint32_t index = (uint32_t)(buffer - screen->buffers);

	(void)damage; /* QEMU sees what is written */
	if (screen->shown != buffer)
		write_register(Y_OFFSET, index * buffer->canvas.height);
}

void vga_open(const struct options *options, struct screen *screen)
{
	struct pci_device device;
	uint32_t stride, memory;
	uint8_t *pixels;

	find(&device);
	pci_enable(&device);
	pixels = pci_bar(&device, FRAMEBUFFER_BAR);
	set_mode(options);
	stride = read_register(VIRTUAL_WIDTH) * (options->bpp / 8);
	memory = (uint32_t)read_register(MEMORY_64K) << 16;
	if (stride * options->height * options->buffers > memory)
		fail("%u buffers of %ux%u do not fit in %u KiB (vgamem_mb=)",
		     options->buffers, options->width, options->height,
		     memory >> 10);
	for (uint32_t i = 0; i < options->buffers; i++)
		screen->buffers[i].canvas = (struct canvas){
			.pixels = pixels + i * stride * options->height,
			.width = options->width,
			.height = options->height,
			.stride = stride,
			.bits = options->bpp,
		};
	screen->buffer_count = options->buffers;
	screen->scene.path = "VGA";
	screen->show = show;
	screen->on = true;
	log_line("mode %ux%u head 0", options->width, options->height);
}
