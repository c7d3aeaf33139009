/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Whom a host reports to, and as whom: the section `report` of the configuration. */
#ifndef PEER_OPTIONS_H
#define PEER_OPTIONS_H

#include <linux/types.h>

#include "base/section.h"
#include "net/url.h"

/* Where sessions are offered or taken: "tls://coordinator.example:4740". */
struct peer_address {
	char *text; /* NULL: none */
	struct url url;
	struct section_place at;
};

struct peer_options {
	struct peer_address address; /* .text NULL: it reports to nobody */
	__u32 host;                  /* its number there */
	char *name;                  /* NULL: the machine's */
	char *ca, *cert, *key;       /* files, for TLS */
	bool plain;                  /* without TLS, not only on this machine */
};

extern const struct section peer_section;

/* Frees the texts and leaves it all zero. */
void peer_options_free(struct peer_options *options);

/* For a struct key that fills a struct peer_address. */
#define KEY_PEER_ADDRESS                                                                           \
	KEY_OWN, .read = peer_address_read, .free = section_free_text, .kind = "an address"
section_read_own peer_address_read;

/* May it be listened at, or connected to? `certified`: ca, cert and key are given; `plain`: it need
 * not be encrypted. */
int peer_address_check(struct section_reader *r, const struct peer_address *address, bool certified,
		       bool plain);

#endif
