// SPDX-License-Identifier: MIT
/*
 * Every head is drawn and sent, then the answers of all are awaited: the
 * guest moves at the pace of its slowest panel and needs no buffer queue.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "head.h"
#include "latency.h"
#include "options.h"
#include "panel-size.h"
#include "vug.h"

#define NS_PER_S     INT64_C(1000000000)
#define RECONNECT_NS (NS_PER_S / 5)

struct guest {
	struct options options;
	struct vug vug;
	struct head heads[VUG_HEADS_MAX];
	bool heads_open;
	unsigned long frames; /* of each head */
	unsigned long acks;
	unsigned long connections;
	struct latency latency;
	const char *what; /* the step at hand, for the error message */
};

static struct guest guest;
static volatile sig_atomic_t stop;

static void on_signal(int number)
{
	(void)number;
	stop = 1;
}

/*
 * They arrive only while waiting, so that none comes between a test of
 * `stop` and the wait it should have prevented.
 */
static void catch_signals(struct vug *vug)
{
	static sigset_t while_waiting;
	struct sigaction action = { .sa_handler = on_signal };
	sigset_t blocked;

	sigemptyset(&blocked);
	sigaddset(&blocked, SIGTERM);
	sigaddset(&blocked, SIGINT);
	sigprocmask(SIG_BLOCK, &blocked, &while_waiting);
	sigdelset(&while_waiting, SIGTERM);
	sigdelset(&while_waiting, SIGINT);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	vug->sigmask = &while_waiting;
}

/* Renamed into place when complete: a test may be waiting for the name. */
static int write_crc_file(struct guest *g)
{
	char path[4096];
	FILE *file;
	int ret = 0;

	g->what = g->options.crc_file;
	if (snprintf(path, sizeof(path), "%s.part", g->options.crc_file) >=
	    (int)sizeof(path))
		return -ENAMETOOLONG;
	file = fopen(path, "we");
	if (!file)
		return -errno;
	for (unsigned int i = 0; i < g->options.head_count && ret == 0; i++)
		ret = head_write_crcs(&g->heads[i], &g->options, file);
	if (fclose(file) != 0 && ret == 0)
		ret = -errno;
	if (ret == 0 && rename(path, g->options.crc_file) < 0)
		ret = -errno;
	return ret;
}

static int open_heads(struct guest *g, const struct vug_display_info *info)
{
	uint32_t width, height;
	int ret = 0;

	for (unsigned int i = 0; i < g->options.head_count && ret == 0; i++) {
		unsigned int id = g->options.heads[i];

		g->what = "GET_EDID";
		width = g->options.width;
		height = g->options.height;
		if (width == 0)
			ret = panel_size(&g->vug, info, id, &width, &height);
		if (ret == 0)
			ret = head_open(&g->heads[i], &g->options, id, width,
					height, &g->what);
	}
	if (ret == 0 && g->options.crc_file)
		ret = write_crc_file(g);
	g->heads_open = true;
	return ret;
}

static int begin_session(struct guest *g)
{
	const struct options *options = &g->options;
	struct vug_display_info info;
	int ret;

	g->what = "connecting";
	ret = vug_connect(&g->vug, options->socket,
			  g->connections ? -1 : options->wait_ms);
	if (ret < 0)
		return ret;
	g->connections++;
	g->what = "agreeing on features";
	ret = vug_handshake(&g->vug,
			    VUG_FEATURE_EDID |
				    (options->v1 ? 0 : VUG_FEATURE_DMABUF2));
	if (ret == 0) {
		g->what = "GET_DISPLAY_INFO";
		ret = vug_display_info(&g->vug, &info);
	}
	if (ret == 0 && !g->heads_open)
		ret = open_heads(g, &info);
	for (unsigned int i = 0; i < options->head_count && ret == 0; i++) {
		g->heads[i].announced = false;
		g->what = "CURSOR_UPDATE";
		if (options->cursor)
			ret = head_define_cursor(&g->heads[i], &g->vug);
	}
	return ret;
}

static int show_frame(struct guest *g)
{
	const struct options *options = &g->options;
	int64_t sent[VUG_HEADS_MAX];
	int ret = 0;

	for (unsigned int i = 0; i < options->head_count && ret == 0; i++) {
		if (options->cursor) {
			g->what = "CURSOR_POS";
			ret = head_move_cursor(&g->heads[i], &g->vug,
					       g->frames);
		}
		if (ret == 0)
			ret = head_show(&g->heads[i], options, &g->vug,
					g->frames, &g->what);
		sent[i] = vug_now_ns();
	}
	if (ret == 0)
		g->frames++;
	if (options->pixels)
		return ret;
	for (unsigned int i = 0; i < options->head_count && ret == 0; i++) {
		g->what = "waiting for the answer to DMABUF_UPDATE";
		ret = vug_wait_update(&g->vug);
		if (ret == 0) {
			latency_add(&g->latency, vug_now_ns() - sent[i]);
			g->acks++;
		}
	}
	return ret;
}

static int show_frames(struct guest *g)
{
	const struct options *options = &g->options;
	int64_t next = vug_now_ns();
	int ret = 0;

	while (ret == 0 && !stop &&
	       (!options->frames || g->frames < options->frames)) {
		ret = show_frame(g);
		if (ret < 0)
			break;
		g->what = "pausing";
		if (options->still)
			return vug_idle(&g->vug, INT64_MAX);
		next += options->fps ? NS_PER_S / options->fps : 0;
		if (next < vug_now_ns())
			next = vug_now_ns();
		/* without a pause too: this is where signals come in */
		ret = vug_idle(&g->vug, next);
	}
	return ret;
}

static void print_stats(struct guest *g)
{
	struct latency_summary summary = latency_summarize(&g->latency);

	printf("{\"name\":\"%s\",\"heads\":%u,\"frames\":%lu,\"acks\":%lu,"
	       "\"connections\":%lu,\"ackUs\":{\"min\":%u,\"median\":%u,"
	       "\"p99\":%u,\"max\":%u}}\n",
	       g->options.name, g->options.head_count,
	       g->frames * g->options.head_count, g->acks, g->connections,
	       summary.min_us, summary.median_us, summary.p99_us,
	       summary.max_us);
}

int main(int argc, char **argv)
{
	struct guest *g = &guest;
	int ret;

	options_parse(&g->options, argc, argv);
	vug_init(&g->vug);
	catch_signals(&g->vug);
	for (;;) {
		ret = begin_session(g);
		if (ret == 0)
			ret = show_frames(g);
		vug_close(&g->vug);
		if (ret != -EPIPE || !g->options.reconnect)
			break;
		fprintf(stderr, "%s: the daemon went, connecting again\n",
			g->options.name);
		ret = vug_idle(&g->vug, vug_now_ns() + RECONNECT_NS);
		if (ret < 0)
			break;
	}
	if (stop)
		ret = 0;
	if (ret == -EPIPE)
		fprintf(stderr, "%s: closed by the daemon while %s\n",
			g->options.name, g->what);
	else if (ret < 0)
		fprintf(stderr, "%s: %s: %s\n", g->options.name, g->what,
			strerror(-ret));
	if (g->options.stats)
		print_stats(g);
	for (unsigned int i = 0; i < g->options.head_count; i++)
		head_close(&g->heads[i]);
	if (ret == -EPIPE)
		return 3;
	return ret < 0 ? 1 : 0;
}
