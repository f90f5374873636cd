// SPDX-License-Identifier: MIT
/*
 * Takes an input device as virtual machine monitors do: opens it, grabs it,
 * and writes a line for each event but SYN_REPORT: type, code, value. Ends
 * with the device, or when standard output is closed.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/input.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define BATCH 64

static int fail(const char *what, const char *path)
{
	fprintf(stderr, "%s %s: %s\n", what, path, strerror(errno));
	return 1;
}

int main(int argc, char **argv)
{
	struct input_event events[BATCH];
	char name[128] = "";
	ssize_t size;
	int fd;

	if (argc != 2) {
		fprintf(stderr, "usage: evdev-reader DEVICE\n");
		return 2;
	}
	fd = open(argv[1], O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return fail("open", argv[1]);
	if (ioctl(fd, EVIOCGNAME(sizeof(name) - 1), name) < 0 ||
	    ioctl(fd, EVIOCGRAB, 1) < 0)
		return fail("ioctl", argv[1]);
	printf("name %s\n", name);
	fflush(stdout);
	while ((size = read(fd, events, sizeof(events))) > 0) {
		for (size_t i = 0; i < (size_t)size / sizeof(*events); i++) {
			if (events[i].type == EV_SYN &&
			    events[i].code == SYN_REPORT)
				continue;
			printf("%u %u %d\n", events[i].type, events[i].code,
			       events[i].value);
		}
		if (fflush(stdout) != 0)
			return 0;
	}
	return errno == ENODEV ? 0 : fail("read", argv[1]);
}
