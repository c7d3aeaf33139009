// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "export/options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "weir/base.h"

int export_options_make(const char *to, struct export_options *out, struct why *why)
{
	struct export_options made = {
		.template_refresh_ns = 60 * WEIR_NS_PER_SEC,
		.options_refresh_ns = 300 * WEIR_NS_PER_SEC,
		.rotate_ns = 300 * WEIR_NS_PER_SEC,
		.template_messages = 4096,
		.domain = 1,
		.queue = 65536,
	};
	int err = url_parse(to, &made.url, why);

	if (err)
		return err;
	made.to = strdup(to);
	if (!made.to)
		return why_set(why, -ENOMEM, "%s", strerror(ENOMEM));
	*out = made;
	return 0;
}

void export_options_free(struct export_options *options)
{
	free(options->to);
	free(options->ca);
	free(options->cert);
	free(options->key);
	*options = (struct export_options){0};
}
