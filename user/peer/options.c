// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "peer/options.h"

#include <stdlib.h>

void peer_options_free(struct peer_options *options)
{
	free(options->address.text);
	free(options->name);
	free(options->ca);
	free(options->cert);
	free(options->key);
	*options = (struct peer_options){0};
}
