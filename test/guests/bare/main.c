// SPDX-License-Identifier: MIT
/* A guest of a few kilobytes that shows pictures from its first instant. */
#include <stddef.h>

#include "irq.h"
#include "log.h"
#include "multiboot.h"
#include "options.h"
#include "power.h"
#include "ps2.h"
#include "screen.h"
#include "timer.h"
#include "vga.h"
#include "virtio-gpu.h"
#include "virtio-input.h"

#define LINE_SIZE  1024
#define LOG_FRAMES 100

static char line[LINE_SIZE];
static struct options options;
static struct screen screens[HEADS_MAX];

/* Whether on virtio-gpu. */
static bool open_screens(void)
{
	for (uint32_t head = 0; head < options.heads; head++)
		screens[head].scene =
			(struct scene){ .options = &options, .head = head };
	if (options.device != DEVICE_VGA && gpu_open(&options, screens))
		return true;
	if (options.device == DEVICE_VIRTIO || options.heads > 1 ||
	    options.blob || options.cursor || options.follow)
		fail("no virtio-gpu, which the options need");
	vga_open(&options, &screens[0]);
	return false;
}

static void log_frame(uint32_t frame)
{
	static uint32_t last;

	if (frame != last && options.trace)
		log_line("frame %u at %u", frame, timer_cycles());
	else if (frame != last && (frame == 1 || frame % LOG_FRAMES == 0))
		log_line("frame %u", frame);
	last = frame;
}

static void draw(bool beat, uint32_t frame)
{
	const struct ps2_state *input = ps2_read();

	for (uint32_t head = 0; head < options.heads; head++) {
		/* Flips keep to the beat, input is shown in the next one. */
		if (screens[head].on &&
		    (beat || screens[head].buffer_count == 1))
			screen_draw(&screens[head], frame, input);
	}
	log_frame(frame);
}

static void end_when_due(uint32_t beats)
{
	if (beats == options.sleep_after) {
		log_line("sleep");
		power_sleep();
	}
	if (beats == options.reset_after) {
		log_line("reset");
		power_reset();
	}
	if (beats == options.off_after) {
		log_line("off");
		power_off();
	}
	if (beats == options.panic_after) {
		log_line("panic");
		power_panic();
	}
	if (beats == options.halt_after) {
		log_line("halt");
		power_halt();
	}
}

void bare_main(uint32_t magic, uint32_t information);
void bare_main(uint32_t magic, uint32_t information)
{
	uint32_t beats = 0, frame = 1;
	bool on_gpu;

	multiboot_read(magic, information, line, sizeof(line));
	options_parse(&options, line);
	irq_open();
	timer_open(options.rate);
	ps2_open();
	input_open();
	on_gpu = open_screens();
	for (;;) {
		uint32_t seen = irq_count();
		bool beat = timer_beat();

		if (on_gpu)
			gpu_poll();
		if (beat && beats++ > 0 && options.motion != MOTION_STATIC)
			frame++;
		input_poll();
		draw(beat, frame);
		if (beat && options.cursor)
			gpu_move_cursor(beats);
		if (beat)
			end_when_due(beats);
		else
			irq_wait(seen);
	}
}
