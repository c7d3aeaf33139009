/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Any file is either a configuration or refused in one line that names the file. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"

static void check(int holds)
{
	if (!holds)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct config config, before;
	struct why err;
	unsigned int slabs = 0;

	memset(&config, 0xa5, sizeof(config));
	before = config;
	if (config_read("fuzz", (const char *)data, size, &config, &err)) {
		check(!strncmp(err.text, "fuzz:", 5) && !strpbrk(err.text, "\r\n"));
		check(!memcmp(&config, &before, sizeof(config)));
		return 0;
	}
	check(config.flow_size >= 1024 && config.timeouts.active_ns <= 3600 * WEIR_NS_PER_SEC);
	for (unsigned int i = 0; i < config.query_count; i++) {
		check(config.queries[i].name && config.queries[i].expr);
		for (int k = 0; k < WEIR_DISTINCT_MAX; k++) {
			slabs += config.queries[i].slabs[k];
		}
	}
	check(slabs <= WEIR_SLABS_MAX);
	config_free(&config);
	return 0;
}
