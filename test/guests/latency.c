// SPDX-License-Identifier: MIT
#include "latency.h"

#include <stdlib.h>

void latency_add(struct latency *latency, int64_t ns)
{
	uint32_t us = (uint32_t)(ns / 1000);

	if (latency->count == 0 || us < latency->min_us)
		latency->min_us = us;
	if (us > latency->max_us)
		latency->max_us = us;
	latency->samples[latency->count++ % LATENCY_SAMPLES] = us;
}

static int compare(const void *a, const void *b)
{
	uint32_t left = *(const uint32_t *)a;
	uint32_t right = *(const uint32_t *)b;

	return (left > right) - (left < right);
}

struct latency_summary latency_summarize(struct latency *latency)
{
	uint64_t n = latency->count < LATENCY_SAMPLES ? latency->count
						      : LATENCY_SAMPLES;
	struct latency_summary summary = { 0 };

	if (n == 0)
		return summary;
	qsort(latency->samples, n, sizeof(latency->samples[0]), compare);
	summary.min_us = latency->min_us;
	summary.median_us = latency->samples[(n - 1) / 2];
	summary.p99_us = latency->samples[(n - 1) * 99 / 100];
	summary.max_us = latency->max_us;
	return summary;
}
