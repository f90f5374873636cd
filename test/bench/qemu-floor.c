// SPDX-License-Identifier: MIT
/*
 * The floor of a QEMU guest's figures: asks QEMU for its display as the daemon
 * does, answers what QEMU asks, and shows nothing. What passes between asking
 * and getting is QEMU's and the guest's, and as little of ours as there can be.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <systemd/sd-bus.h>
#include <time.h>
#include <unistd.h>

#define LISTENER     "org.qemu.Display1.Listener"
#define MAP	     LISTENER ".Unix.Map"
#define DMABUF2	     LISTENER ".Unix.ScanoutDMABUF2"
#define CONSOLE_PATH "/org/qemu/Display1/Console_0"
#define CONSOLE	     "org.qemu.Display1.Console"
#define ROUNDS_MAX   100
#define WAIT_US	     10000000
/* QEMU's own work after a scanout, and a guest's drawing, are over by then. */
#define REST_US 400000

static const char usage[] =
	"Usage: qemu-floor --qmp PATH [--rounds N] [--size WxH --size WxH]\n"
	"Registers a listener N times, then tells of the two sizes in turn,\n"
	"N times in all, and says how long each time the scanout took, and\n"
	"until the guest had drawn on it.\n";

struct size {
	uint32_t width, height;
};

struct options {
	const char *qmp;
	unsigned int rounds, size_count;
	struct size sizes[2];
};

/* The scanout that came last; its guest has drawn with the update after it. */
static struct {
	uint64_t at;	  /* us; 0: none yet */
	uint64_t updated; /* us; 0: not yet */
	char member[32];
	struct size size;
} scanout;

static uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000 + (uint64_t)time.tv_nsec / 1000;
}

/* The sizes are behind what is different in each kind. */
static int read_size(sd_bus_message *message, const char *member)
{
	int ret = 0;

	if (!strcmp(member, "ScanoutDMABUF2")) {
		ret = sd_bus_message_skip(message, "ahuu");
	} else if (!strcmp(member, "ScanoutDMABUF")) {
		ret = sd_bus_message_skip(message, "h");
	} else if (!strcmp(member, "ScanoutMap")) {
		ret = sd_bus_message_skip(message, "hu");
	}
	if (ret < 0)
		return ret;
	return sd_bus_message_read(message, "uu", &scanout.size.width,
				   &scanout.size.height);
}

static int answer_get_all(sd_bus_message *call)
{
	sd_bus_message *answer = NULL;
	const char *interface;
	int ret = sd_bus_message_read(call, "s", &interface);

	if (ret >= 0)
		ret = sd_bus_message_new_method_return(call, &answer);
	if (ret >= 0 && !strcmp(interface, LISTENER))
		ret = sd_bus_message_append(answer, "a{sv}", 1, "Interfaces",
					    "as", 2, MAP, DMABUF2);
	else if (ret >= 0)
		ret = sd_bus_message_append(answer, "a{sv}", 0);
	if (ret >= 0)
		ret = sd_bus_send(NULL, answer, NULL);
	sd_bus_message_unref(answer);
	return ret < 0 ? ret : 1;
}

static int on_call(sd_bus_message *message, void *data, sd_bus_error *error)
{
	const char *member = sd_bus_message_get_member(message);
	uint64_t at = now();
	int ret;

	(void)data;
	(void)error;
	if (!member || !sd_bus_message_is_method_call(message, NULL, NULL))
		return 0;
	if (!strcmp(member, "GetAll"))
		return answer_get_all(message);
	if (!strncmp(member, "Scanout", strlen("Scanout"))) {
		ret = read_size(message, member);
		if (ret < 0)
			return ret;
		scanout.at = at;
		scanout.updated = 0;
		snprintf(scanout.member, sizeof(scanout.member), "%s", member);
	}
	if (!strncmp(member, "Update", strlen("Update")) && !scanout.updated)
		scanout.updated = at;
	if (sd_bus_message_get_expect_reply(message) <= 0)
		return 1;
	return sd_bus_reply_method_return(message, "");
}

static int open_bus(int fd, sd_bus **bus)
{
	int ret = sd_bus_new(bus);

	if (ret >= 0)
		ret = sd_bus_set_fd(*bus, fd, fd);
	if (ret >= 0)
		ret = sd_bus_negotiate_fds(*bus, 1);
	if (ret >= 0)
		ret = sd_bus_start(*bus);
	return ret;
}

/* Serves for so long, or until the listener got a scanout of that size. */
static int serve(sd_bus *const *buses, unsigned int count, uint64_t us,
		 const struct size *size)
{
	uint64_t end = now() + us;

	for (;;) {
		struct pollfd polls[2];
		int64_t left = (int64_t)(end - now());
		int busy = 0;

		for (unsigned int i = 0; i < count; i++) {
			int ret = sd_bus_process(buses[i], NULL);

			if (ret < 0)
				return ret;
			busy |= ret;
			polls[i].fd = sd_bus_get_fd(buses[i]);
			polls[i].events = (short)sd_bus_get_events(buses[i]);
		}
		if (size && scanout.at && scanout.size.width == size->width &&
		    scanout.size.height == size->height)
			return 0;
		if (size && scanout.at && size->width == 0)
			return 0;
		if (left <= 0)
			return size ? -ETIMEDOUT : 0;
		if (!busy)
			poll(polls, count, (int)(left / 1000) + 1);
	}
}

/* Sends a command with a file descriptor (or -1), and waits for its answer. */
static int execute(int qmp, const char *command, int fd)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { .header = {
			      .cmsg_len = CMSG_LEN(sizeof(int)),
			      .cmsg_level = SOL_SOCKET,
			      .cmsg_type = SCM_RIGHTS,
		      } };
	struct iovec iov = { (void *)command, strlen(command) };
	struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1 };
	char answer[4096];
	ssize_t n;

	if (fd >= 0) {
		memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
		message.msg_control = &control;
		message.msg_controllen = sizeof(control);
	}
	if (sendmsg(qmp, &message, MSG_NOSIGNAL) < 0)
		return -errno;
	for (;;) {
		n = read(qmp, answer, sizeof(answer) - 1);
		if (n <= 0)
			return n < 0 ? -errno : -ECONNRESET;
		answer[n] = '\0';
		if (strstr(answer, "\"error\""))
			return -EPROTO;
		/* events may come before it */
		if (strstr(answer, "\"return\""))
			return 0;
	}
}

static int open_qmp(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	char greeting[4096];
	int qmp = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int ret;

	if (qmp < 0)
		return -errno;
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	if (connect(qmp, (const struct sockaddr *)&address, sizeof(address)) <
		    0 ||
	    read(qmp, greeting, sizeof(greeting)) < 0)
		return -errno;
	ret = execute(qmp, "{\"execute\":\"qmp_capabilities\"}\n", -1);
	return ret < 0 ? ret : qmp;
}

static int open_display(int qmp, sd_bus **display)
{
	int pair[2];
	int ret;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	ret = execute(qmp,
		      "{\"execute\":\"getfd\",\"arguments\":"
		      "{\"fdname\":\"floor\"}}\n",
		      pair[1]);
	close(pair[1]);
	if (ret == 0)
		ret = execute(qmp,
			      "{\"execute\":\"add_client\",\"arguments\":"
			      "{\"protocol\":\"@dbus-display\","
			      "\"fdname\":\"floor\"}}\n",
			      -1);
	return ret < 0 ? ret : open_bus(pair[0], display);
}

/* QEMU makes the connection before its objects are there. */
static int wait_for_console(sd_bus *display)
{
	int ret = -ETIMEDOUT;

	for (unsigned int tries = 0; tries < 300 && ret < 0; tries++) {
		uint32_t width;

		ret = sd_bus_get_property_trivial(display, NULL, CONSOLE_PATH,
						  CONSOLE, "Width", NULL, 'u',
						  &width);
		if (ret < 0)
			usleep(10000);
	}
	return ret;
}

/* Registers a listener; `*us` until it got a scanout. */
static int attach(sd_bus *display, sd_bus **listener, uint64_t *us)
{
	static const struct size any;
	sd_bus *buses[2] = { display, NULL };
	uint64_t from;
	int pair[2];
	int ret;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	ret = open_bus(pair[0], listener);
	if (ret >= 0)
		ret = sd_bus_add_filter(*listener, NULL, on_call, NULL);
	if (ret < 0)
		return ret;
	buses[1] = *listener;
	scanout.at = 0;
	from = now();
	ret = sd_bus_call_method_async(display, NULL, NULL, CONSOLE_PATH,
				       CONSOLE, "RegisterListener", NULL, NULL,
				       "h", pair[1]);
	close(pair[1]);
	if (ret >= 0)
		ret = serve(buses, 2, WAIT_US, &any);
	*us = scanout.at - from;
	return ret < 0 ? ret : serve(buses, 2, REST_US, NULL);
}

static int attach_often(sd_bus *display, sd_bus **listener,
			const struct options *options, uint64_t *us)
{
	int ret = 0;

	for (unsigned int i = 0; i < options->rounds && ret >= 0; i++) {
		if (*listener) {
			sd_bus_close(*listener);
			*listener = sd_bus_unref(*listener);
			ret = serve(&display, 1, REST_US, NULL);
		}
		if (ret >= 0)
			ret = attach(display, listener, &us[i]);
	}
	return ret;
}

static int tell(sd_bus *display, const struct size *size)
{
	return sd_bus_call_method_async(
		display, NULL, NULL, CONSOLE_PATH, CONSOLE, "SetUIInfo", NULL,
		NULL, "qqiiuu", 0, 0, 0, 0, size->width, size->height);
}

/* Tells of a monitor; `*us` until there was a scanout of its size. */
static int resize(sd_bus *display, sd_bus *listener, const struct size *size,
		  uint64_t *us, uint64_t *update_us)
{
	sd_bus *buses[2] = { display, listener };
	uint64_t from = now();
	int ret;

	scanout.at = 0;
	ret = tell(display, size);
	if (ret >= 0)
		ret = serve(buses, 2, WAIT_US, size);
	*us = scanout.at - from;
	if (ret >= 0)
		ret = serve(buses, 2, REST_US, NULL);
	*update_us = scanout.updated - from;
	return ret < 0 || scanout.updated ? ret : -ENODATA;
}

static int resize_often(sd_bus *display, sd_bus *listener,
			const struct options *options, uint64_t *us,
			uint64_t *update_us)
{
	sd_bus *buses[2] = { display, listener };
	/* the size it has may be this one already: not counted */
	int ret = tell(display, &options->sizes[0]);

	if (ret >= 0)
		ret = serve(buses, 2, 2 * REST_US, NULL);
	for (unsigned int i = 0; i < options->rounds && ret >= 0; i++)
		ret = resize(display, listener, &options->sizes[(i + 1) % 2],
			     &us[i], &update_us[i]);
	return ret;
}

static void print(const char *name, const uint64_t *us, unsigned int count)
{
	printf("\"%s\": [", name);
	for (unsigned int i = 0; i < count; i++)
		printf("%s%" PRIu64, i ? ", " : "", us[i]);
	printf("]");
}

static int run(const struct options *options, const char **what)
{
	static uint64_t attach_us[ROUNDS_MAX], resize_us[ROUNDS_MAX];
	static uint64_t update_us[ROUNDS_MAX];
	unsigned int resizes = options->size_count == 2 ? options->rounds : 0;
	sd_bus *display = NULL;
	sd_bus *listener = NULL;
	int qmp, ret;

	*what = options->qmp;
	qmp = ret = open_qmp(options->qmp);
	if (ret >= 0) {
		*what = "add_client";
		ret = open_display(qmp, &display);
	}
	if (ret >= 0) {
		*what = "Console_0";
		ret = wait_for_console(display);
	}
	if (ret >= 0) {
		*what = "RegisterListener";
		ret = attach_often(display, &listener, options, attach_us);
	}
	if (ret >= 0 && resizes) {
		*what = "SetUIInfo";
		ret = resize_often(display, listener, options, resize_us,
				   update_us);
	}
	if (ret >= 0) {
		printf("{\"scanout\": \"%s\", ", scanout.member);
		print("attachUs", attach_us, options->rounds);
		printf(", ");
		print("resizeUs", resize_us, resizes);
		printf(", ");
		print("updateUs", update_us, resizes);
		printf("}\n");
	}
	sd_bus_unref(listener);
	sd_bus_unref(display);
	return ret;
}

static int parse(struct options *options, int argc, char **argv)
{
	static const struct option table[] = {
		{ "qmp", required_argument, NULL, 'q' },
		{ "rounds", required_argument, NULL, 'r' },
		{ "size", required_argument, NULL, 's' },
		{ 0 },
	};
	struct size *size;
	int option;

	while ((option = getopt_long(argc, argv, "", table, NULL)) != -1) {
		switch (option) {
		case 'q':
			options->qmp = optarg;
			break;
		case 'r':
			options->rounds = (unsigned int)atoi(optarg);
			break;
		case 's':
			if (options->size_count == 2)
				return -1;
			size = &options->sizes[options->size_count++];
			if (sscanf(optarg, "%" SCNu32 "x%" SCNu32, &size->width,
				   &size->height) != 2)
				return -1;
			break;
		default:
			return -1;
		}
	}
	return optind == argc && options->qmp && options->rounds > 0 &&
			       options->rounds < ROUNDS_MAX &&
			       options->size_count != 1
		       ? 0
		       : -1;
}

int main(int argc, char **argv)
{
	struct options options = { .rounds = 10 };
	const char *what;
	int ret;

	if (parse(&options, argc, argv) < 0) {
		fputs(usage, stderr);
		return 2;
	}
	ret = run(&options, &what);
	if (ret < 0)
		fprintf(stderr, "qemu-floor: %s: %s\n", what, strerror(-ret));
	return ret < 0 ? 1 : 0;
}
