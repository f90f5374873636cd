// SPDX-License-Identifier: MIT
/*
 * A display switcher reduced to its work per frame: take a dma-buf from a
 * guest, recognise it, flip to its framebuffer, answer when it is on the
 * panel. One socket per panel, one guest per socket, one head per guest. It
 * waits for no fences and has no configuration, input or fallbacks; what it
 * does, it does with as few system calls as there are.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <xf86drm.h>

#include "options.h"
#include "panel.h"
#include "show.h"

static const char usage[] =
	"Usage: c-daemon --socket PATH... [--card PATH] [--mode WxH]\n"
	"                [--frames N] [--warmup N]\n"
	"One --socket per panel. Ends when every panel has shown N frames\n"
	"after the warm-up (0: at SIGTERM).\n";

static struct show shows[PANELS_MAX];
static struct panel panels[PANELS_MAX];
static volatile sig_atomic_t stop;

static void on_signal(int number)
{
	(void)number;
	stop = 1;
}

static int watch(int epoll, int fd, void *data)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = data };

	return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

static int listen_at(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd;
	int ret;

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	strcpy(address.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	unlink(path);
	if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(fd, 1) < 0) {
		ret = -errno;
		close(fd);
		return ret;
	}
	return fd;
}

static void accept_guest(int epoll, struct show *show)
{
	int fd = accept4(show->listener, NULL, NULL, SOCK_CLOEXEC);

	if (fd < 0)
		return;
	if (show->link.fd >= 0 || watch(epoll, fd, &show->link) < 0) {
		close(fd);
		return;
	}
	link_open(&show->link, fd);
}

static void on_flip(int card, unsigned int sequence, unsigned int seconds,
		    unsigned int microseconds, void *data)
{
	(void)card;
	(void)seconds;
	(void)microseconds;
	show_flipped(data, sequence);
}

/* An event is told apart by what its pointer points at. */
static void dispatch(int epoll, int card, void *data, unsigned int count)
{
	drmEventContext context = {
		.version = 2,
		.page_flip_handler = on_flip,
	};

	if (!data) {
		drmHandleEvent(card, &context);
		return;
	}
	for (unsigned int i = 0; i < count; i++) {
		if (data == &shows[i].link)
			show_readable(&shows[i]);
		else if (data == &shows[i].listener)
			accept_guest(epoll, &shows[i]);
	}
}

static bool finished(const struct options *options, unsigned int count)
{
	if (stop)
		return true;
	for (unsigned int i = 0; i < count; i++) {
		if (panels[i].frames < options->warmup + options->frames)
			return false;
	}
	return options->frames > 0;
}

static int run(int epoll, int card, const struct options *options,
	       const sigset_t *while_waiting, struct tally *tally)
{
	struct epoll_event events[2 * PANELS_MAX + 1];
	unsigned int count = options->socket_count;

	while (!finished(options, count)) {
		int n = epoll_pwait(epoll, events, 2 * PANELS_MAX + 1, -1,
				    while_waiting);

		if (n < 0 && errno != EINTR)
			return -errno;
		for (int i = 0; i < n; i++)
			dispatch(epoll, card, events[i].data.ptr, count);
		tally_update(tally, panels, count);
	}
	return 0;
}

static void catch_signals(sigset_t *while_waiting)
{
	struct sigaction action = { .sa_handler = on_signal };
	sigset_t blocked;

	sigemptyset(&blocked);
	sigaddset(&blocked, SIGTERM);
	sigaddset(&blocked, SIGINT);
	sigprocmask(SIG_BLOCK, &blocked, while_waiting);
	sigdelset(while_waiting, SIGTERM);
	sigdelset(while_waiting, SIGINT);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
}

static int start(int *epoll, int *card, const struct options *options,
		 const char **what)
{
	int ret;

	*what = "epoll_create1";
	*epoll = epoll_create1(EPOLL_CLOEXEC);
	if (*epoll < 0)
		return -errno;
	*what = options->card;
	*card = open(options->card, O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (*card < 0)
		return -errno;
	*what = "finding connected outputs of that mode";
	ret = panels_find(*card, panels, options->socket_count, options->width,
			  options->height);
	if (ret == 0) {
		*what = "epoll_ctl";
		ret = watch(*epoll, *card, NULL);
	}
	for (unsigned int i = 0; i < options->socket_count && ret == 0; i++) {
		show_init(&shows[i], *card, &panels[i]);
		*what = options->sockets[i];
		shows[i].listener = listen_at(options->sockets[i]);
		if (shows[i].listener < 0)
			return shows[i].listener;
		ret = watch(*epoll, shows[i].listener, &shows[i].listener);
	}
	return ret;
}

int main(int argc, char **argv)
{
	struct options options;
	struct tally tally = { 0 };
	const char *what;
	sigset_t while_waiting;
	int epoll = -1;
	int card = -1;
	int ret;

	options_parse(&options, argc, argv, usage);
	if (options.socket_count == 0) {
		fputs(usage, stderr);
		return 2;
	}
	tally.warmup = options.warmup;
	catch_signals(&while_waiting);
	ret = start(&epoll, &card, &options, &what);
	if (ret == 0) {
		what = "epoll_pwait";
		ret = run(epoll, card, &options, &while_waiting, &tally);
	}
	if (ret == 0)
		tally_print(&tally, "c-daemon", panels, options.socket_count);
	else
		fprintf(stderr, "c-daemon: %s: %s\n", what, strerror(-ret));
	for (unsigned int i = 0; i < options.socket_count; i++)
		unlink(options.sockets[i]);
	if (card >= 0)
		close(card);
	if (epoll >= 0)
		close(epoll);
	return ret == 0 ? 0 : 1;
}
