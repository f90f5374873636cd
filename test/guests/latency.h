/* SPDX-License-Identifier: MIT */
/* How long answers took: exact minimum and maximum, quantiles of the last. */
#ifndef LATENCY_H
#define LATENCY_H

#include <stdint.h>

#define LATENCY_SAMPLES 65536

struct latency {
	uint64_t count;
	uint32_t min_us, max_us;
	uint32_t samples[LATENCY_SAMPLES];
};

struct latency_summary {
	uint32_t min_us, median_us, p99_us, max_us;
};

void latency_add(struct latency *latency, int64_t ns);

/* Sorts the samples: add no more afterwards. */
struct latency_summary latency_summarize(struct latency *latency);

#endif
