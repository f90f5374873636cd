// SPDX-License-Identifier: MIT
/*
 * The i8042 and what hangs on it: "The PS/2 keyboard and mouse" and IBM's PS/2
 * hardware interface technical reference, keyboard and auxiliary device
 * controller. Interrupts only collect bytes; ps2_read makes sense of them.
 */
#include "ps2.h"

#include "io.h"
#include "irq.h"
#include "log.h"

#define DATA	      0x60
#define STATUS	      0x64
#define COMMAND	      0x64
#define STATUS_OUTPUT 0x01
#define STATUS_INPUT  0x02
#define STATUS_MOUSE  0x20
#define STATUS_NONE   0xff

#define DISABLE_KEYBOARD 0xad
#define DISABLE_MOUSE	 0xa7
#define ENABLE_KEYBOARD	 0xae
#define ENABLE_MOUSE	 0xa8
#define WRITE_MODE	 0x60
#define MODE		 0x47 /* both interrupts, passed POST, set 1 */
#define TO_MOUSE	 0xd4

#define ACKNOWLEDGE	0xfa
#define SET_DEFAULTS	0xf6
#define SET_SAMPLE_RATE 0xf3
#define IDENTIFY	0xf2
#define ENABLE		0xf4

#define KEYBOARD_LINE 1
#define MOUSE_LINE    12

#define RING	   1024
#define TRIES	   100000
#define PACKET_MAX 4
#define WHEEL_ID   3

struct ring {
	volatile uint8_t bytes[RING];
	volatile uint32_t written; /* by interrupts */
	uint32_t read;
};

static struct ring keyboard, mouse;
static struct ps2_state state;
static uint8_t packet[PACKET_MAX];
static uint32_t packet_size = 3, packet_length;

static void push(struct ring *ring, uint8_t byte)
{
	ring->bytes[ring->written % RING] = byte;
	ring->written++;
}

static bool pop(struct ring *ring, const char *what, uint8_t *byte)
{
	uint32_t waiting = ring->written - ring->read;

	if (waiting == 0)
		return false;
	if (waiting > RING) {
		log_line("error %u bytes of the %s were lost", waiting - RING,
			 what);
		ring->read += waiting - RING;
	}
	*byte = ring->bytes[ring->read++ % RING];
	return true;
}

static bool receive(void)
{
	uint8_t status;

	while ((status = in8(STATUS)) & STATUS_OUTPUT)
		push(status & STATUS_MOUSE ? &mouse : &keyboard, in8(DATA));
	return true;
}

static void write_port(uint16_t port, uint8_t byte)
{
	for (unsigned int i = 0; in8(STATUS) & STATUS_INPUT; i++) {
		if (i == TRIES)
			fail("the i8042 takes no bytes");
	}
	out8(port, byte);
}

/* -1: nothing came */
static int read_byte(void)
{
	for (unsigned int i = 0; i < TRIES; i++) {
		if (in8(STATUS) & STATUS_OUTPUT)
			return in8(DATA);
	}
	return -1;
}

static void command(bool to_mouse, uint8_t byte)
{
	int answer;

	if (to_mouse)
		write_port(COMMAND, TO_MOUSE);
	write_port(DATA, byte);
	answer = read_byte();
	if (answer != ACKNOWLEDGE)
		log_line("error %s answered command 0x%x with %d",
			 to_mouse ? "mouse" : "keyboard", byte, answer);
}

/* The knock that makes an IntelliMouse report its wheel. */
static void enable_wheel(void)
{
	static const uint8_t rates[] = { 200, 100, 80 };

	for (unsigned int i = 0; i < sizeof(rates); i++) {
		command(true, SET_SAMPLE_RATE);
		command(true, rates[i]);
	}
	command(true, IDENTIFY);
	if (read_byte() == WHEEL_ID)
		packet_size = PACKET_MAX;
}

void ps2_open(void)
{
	if (in8(STATUS) == STATUS_NONE) {
		log_line("error no i8042: no keyboard, no mouse");
		return;
	}
	write_port(COMMAND, DISABLE_KEYBOARD);
	write_port(COMMAND, DISABLE_MOUSE);
	while (in8(STATUS) & STATUS_OUTPUT)
		in8(DATA);
	write_port(COMMAND, ENABLE_MOUSE);
	command(true, SET_DEFAULTS);
	enable_wheel();
	command(true, ENABLE);
	write_port(COMMAND, ENABLE_KEYBOARD);
	command(false, ENABLE);
	write_port(COMMAND, WRITE_MODE);
	write_port(DATA, MODE);
	irq_handle(KEYBOARD_LINE, receive);
	irq_handle(MOUSE_LINE, receive);
}

static void take_key(uint8_t byte)
{
	state.keys[state.key_count % PS2_KEYS] = byte;
	state.key_count++;
	state.changes++;
	log_line("key %02x", byte);
}

static void take_packet(void)
{
	int32_t dx = packet[1] - (packet[0] & 0x10 ? 256 : 0);
	int32_t dy = (packet[0] & 0x20 ? 256 : 0) - packet[2];
	uint32_t buttons = packet[0] & 7;
	int32_t wheel = packet_size == PACKET_MAX ? (int8_t)packet[3] : 0;

	state.changes++;
	if (wheel) {
		state.wheel += wheel;
		log_line("wheel %d", wheel);
	}
	if (wheel && !dx && !dy && buttons == state.buttons)
		return;
	state.x += dx;
	state.y += dy;
	state.buttons = buttons;
	log_line("mouse %d %d %u", dx, dy, buttons);
}

static void take_mouse_byte(uint8_t byte)
{
	/* Bit 3 is set in every first byte: a lost one costs one packet. */
	if (packet_length == 0 && !(byte & 0x08)) {
		log_line("error mouse packet begins with %02x", byte);
		return;
	}
	packet[packet_length++] = byte;
	if (packet_length == packet_size) {
		packet_length = 0;
		take_packet();
	}
}

const struct ps2_state *ps2_read(void)
{
	uint8_t byte;

	while (pop(&keyboard, "keyboard", &byte))
		take_key(byte);
	while (pop(&mouse, "mouse", &byte))
		take_mouse_byte(byte);
	return &state;
}
