// SPDX-License-Identifier: MIT
/*
 * How long a key takes to a guest, and whether all of a mouse's motion comes
 * there: plugs in a device, and reads what comes out of the guest's; or, as
 * the floor, what a process passes on that does nothing but read a device and
 * write to a pipe.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/uinput.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define COUNT_MAX 100000
#define BATCH	  64
#define LOST_MS	  2000
#define QUIET_MS  500
/* Of a mouse at 1000 Hz. */
#define PERIOD_US 1000

static const char usage[] =
	"Usage: input-meter keys|motion COUNT [DEVICE]\n"
	"Plugs in a keyboard or mouse, waits for a line, then types or moves\n"
	"so many times and reads DEVICE; or, without one, what a process of\n"
	"its own reads from that keyboard or mouse and writes to a pipe.\n";

static void __attribute__((noreturn)) fail(const char *what)
{
	fprintf(stderr, "input-meter: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void control(int fd, unsigned long request, unsigned long argument,
		    const char *what)
{
	if (ioctl(fd, request, argument) < 0)
		fail(what);
}

static uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000 + (uint64_t)time.tv_nsec / 1000;
}

static void sleep_until(uint64_t us)
{
	struct timespec time = { (time_t)(us / 1000000),
				 (long)(us % 1000000) * 1000 };

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL))
		;
}

static int plug_in(int keyboard)
{
	struct uinput_setup setup = { .id = { BUS_VIRTUAL, 1, 1, 1 } };
	int fd = open("/dev/uinput", O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		fail("/dev/uinput");
	control(fd, UI_SET_EVBIT, EV_KEY, "UI_SET_EVBIT");
	if (keyboard) {
		for (unsigned int key = KEY_ESC; key <= KEY_MICMUTE; key++)
			control(fd, UI_SET_KEYBIT, key, "UI_SET_KEYBIT");
	} else {
		control(fd, UI_SET_KEYBIT, BTN_LEFT, "UI_SET_KEYBIT");
		control(fd, UI_SET_EVBIT, EV_REL, "UI_SET_EVBIT");
		control(fd, UI_SET_RELBIT, REL_X, "UI_SET_RELBIT");
		control(fd, UI_SET_RELBIT, REL_Y, "UI_SET_RELBIT");
	}
	snprintf(setup.name, sizeof(setup.name), "bench %s",
		 keyboard ? "keyboard" : "mouse");
	if (ioctl(fd, UI_DEV_SETUP, &setup) < 0 || ioctl(fd, UI_DEV_CREATE) < 0)
		fail("UI_DEV_CREATE");
	return fd;
}

/* Opens the node that udev makes of a device. */
static int open_node_of(int uinput)
{
	char name[64], folder[128], path[300];
	int fd = -1;

	if (ioctl(uinput, UI_GET_SYSNAME(sizeof(name)), name) < 0)
		fail("UI_GET_SYSNAME");
	snprintf(folder, sizeof(folder), "/sys/devices/virtual/input/%s", name);
	for (int tries = 0; fd < 0 && tries < 100; tries++) {
		DIR *entries = opendir(folder);
		struct dirent *entry;

		while (entries && fd < 0 && (entry = readdir(entries))) {
			snprintf(path, sizeof(path), "/dev/input/%s",
				 entry->d_name);
			if (!strncmp(entry->d_name, "event", 5))
				fd = open(path, O_RDONLY | O_CLOEXEC);
		}
		if (entries)
			closedir(entries);
		if (fd < 0)
			usleep(20000);
	}
	if (fd < 0)
		fail(folder);
	return fd;
}

static int grab(int device)
{
	control(device, EVIOCGRAB, 1, "EVIOCGRAB");
	return device;
}

/* The reference: passes on what it reads, and that is all. */
static int start_reader(int uinput)
{
	struct input_event events[BATCH];
	int device = grab(open_node_of(uinput));
	int ends[2];
	ssize_t size;

	if (pipe(ends) < 0)
		fail("pipe");
	switch (fork()) {
	case -1:
		fail("fork");
	case 0:
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		while ((size = read(device, events, sizeof(events))) > 0) {
			if (write(ends[1], events, (size_t)size) != size)
				_exit(1);
		}
		_exit(0);
	default:
		close(ends[1]);
		close(device);
		return ends[0];
	}
}

static void send_events(int uinput, struct input_event *events, size_t count)
{
	size_t size = count * sizeof(*events);

	if (write(uinput, events, size) != (ssize_t)size)
		fail("write");
}

/* What has come within so long; 0: nothing. */
static size_t receive(int from, struct input_event *events, int ms)
{
	struct pollfd polled = { from, POLLIN, 0 };
	ssize_t size;

	if (poll(&polled, 1, ms) <= 0)
		return 0;
	size = read(from, events, BATCH * sizeof(*events));
	if (size <= 0)
		fail("read");
	for (size_t i = 0; i < (size_t)size / sizeof(*events); i++) {
		if (events[i].type == EV_SYN && events[i].code == SYN_DROPPED) {
			errno = EOVERFLOW;
			fail("the guest's device");
		}
	}
	return (size_t)size / sizeof(*events);
}

/* Types one key or lets it go; returns when it has come, in us. */
static uint64_t type(int uinput, int from, uint16_t code, int32_t value)
{
	struct input_event key[2] = {
		{ .type = EV_KEY, .code = code, .value = value },
		{ .type = EV_SYN, .code = SYN_REPORT },
	};
	struct input_event events[BATCH];
	uint64_t sent = now();

	send_events(uinput, key, 2);
	for (;;) {
		size_t count = receive(from, events, LOST_MS);

		if (count == 0) {
			errno = ETIMEDOUT;
			fail("a key");
		}
		for (size_t i = 0; i < count; i++) {
			if (events[i].type != EV_KEY)
				continue;
			if (events[i].code != code ||
			    events[i].value != value) {
				errno = EPROTO;
				fail("a key");
			}
			return now() - sent;
		}
	}
}

/* Every time another moment between two frames. */
static void type_keys(int uinput, int from, unsigned int count)
{
	printf("{\"us\":[");
	for (unsigned int i = 0; i < count; i++) {
		uint16_t code = (uint16_t)(KEY_Q + i / 2 % 10);

		sleep_until(now() + 3000 + i * 7919 % 17000);
		printf("%s%" PRIu64, i ? "," : "",
		       type(uinput, from, code, i % 2 == 0));
	}
	printf("]}\n");
}

/* One to the right with every report, so that what is missing is counted in
 * reports; and down besides. */
static void move(int uinput, int from, unsigned int count)
{
	static unsigned int lags[COUNT_MAX];
	struct input_event events[BATCH];
	long sent[2] = { 0, 0 }, came[2] = { 0, 0 };
	unsigned int reports = 0;
	uint64_t start = now(), late = 0;

	for (unsigned int i = 0; i < count || sent[0] != came[0];) {
		size_t taken = receive(from, events, i < count ? 0 : QUIET_MS);

		for (size_t at = 0; at < taken; at++) {
			if (events[at].type == EV_REL &&
			    events[at].code <= REL_Y)
				came[events[at].code] += events[at].value;
			else if (events[at].type == EV_SYN)
				reports++;
		}
		if (i == count && taken == 0)
			break;
		if (i == count || taken == BATCH)
			continue;
		lags[i] = (unsigned int)(sent[0] - came[0]);
		i++;
		sleep_until(start + (uint64_t)i * PERIOD_US);
		if (now() - start - (uint64_t)i * PERIOD_US > late)
			late = now() - start - (uint64_t)i * PERIOD_US;
		int32_t dy = (int32_t)(i % 3);
		struct input_event motion[3] = {
			{ .type = EV_REL, .code = REL_X, .value = 1 },
			{ .type = EV_REL, .code = REL_Y, .value = dy },
			{ .type = EV_SYN, .code = SYN_REPORT },
		};
		sent[0] += 1;
		sent[1] += dy;
		send_events(uinput, motion, 3);
	}
	/* what is too much would come now */
	while (receive(from, events, QUIET_MS))
		reports++;
	printf("{\"reports\":%u,\"came\":%u,\"sent\":[%ld,%ld],"
	       "\"received\":[%ld,%ld],\"latestUs\":%" PRIu64 ",\"lag\":[",
	       count, reports, sent[0], sent[1], came[0], came[1], late);
	for (unsigned int i = 0; i < count; i++)
		printf("%s%u", i ? "," : "", lags[i]);
	printf("]}\n");
}

int main(int argc, char **argv)
{
	unsigned int count = argc > 2 ? (unsigned int)atoi(argv[2]) : 0;
	int keyboard = argc > 1 && !strcmp(argv[1], "keys");
	char line[16];
	int uinput, from;

	if (argc < 3 || argc > 4 || count == 0 || count > COUNT_MAX ||
	    (!keyboard && strcmp(argv[1], "motion") != 0)) {
		fputs(usage, stderr);
		return 2;
	}
	uinput = plug_in(keyboard);
	if (argc == 4) {
		from = open(argv[3], O_RDONLY | O_CLOEXEC);
		if (from < 0)
			fail(argv[3]);
		grab(from);
	} else
		from = start_reader(uinput);
	if (!fgets(line, sizeof(line), stdin))
		return 0;
	if (keyboard)
		type_keys(uinput, from, count);
	else
		move(uinput, from, count);
	return 0;
}
