/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Whom a host reports to, and as whom. */
#ifndef PEER_OPTIONS_H
#define PEER_OPTIONS_H

#include <linux/types.h>

#include "net/url.h"

/* Where sessions are offered or taken: "tls://coordinator.example:4740". */
struct peer_address {
	char *text;
	struct url url;
	unsigned int line,
		column; /* of the text in the configuration, from 1; 0: it is not there */
};

struct peer_options {
	struct peer_address address; /* .text NULL: it reports to nobody */
	__u32 host;                  /* its number there */
	char *name;                  /* NULL: the machine's */
	char *ca, *cert, *key;       /* files, for TLS */
	unsigned int plain;          /* 0 or 1: without TLS, not only on this machine */
};

/* Frees the texts and leaves it all zero. */
void peer_options_free(struct peer_options *options);

#endif
