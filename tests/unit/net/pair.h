/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A link between two ends in this process, over loopback. */
#ifndef UNIT_NET_PAIR_H
#define UNIT_NET_PAIR_H

#include "unit/net/certs.h"
#include "net/link.h"

#define PAIR_ROUNDS 100000 /* of a loop that waits for something */

enum pair_file {
	CA,
	OTHER,
	SERVER,
	SERVER_KEY,
	CLIENT,
	CLIENT_KEY,
	STRANGER,
	STRANGER_KEY,
};

struct pair {
	char folder[64], file[8][80];
	struct identity ca, other, coordinator, host, stranger;
	struct secure_context *server_tls, *client_tls;
	struct url url;
	int listener;
	struct link *server, *client;
};

__u64 pair_now(void);

/* Before and after each test: certificates of all kinds in files, and a listener. */
int pair_set(void **state);
int pair_clear(void **state);
/* Listens at a port of its own; s->url leads there. */
void pair_listen(struct pair *s, const char *host);
/* cert -1: none. */
struct secure_context *pair_tls(const struct pair *s, bool server, int ca, int cert);
void pair_use_tls(struct pair *s);

/* Both ends take a turn, after waiting for something to do. */
void pair_turn(struct pair *s);
enum link_phase pair_phase(struct link *l);
/* Until neither is opening any more. */
void pair_meet(struct pair *s);
void pair_assert_up(struct pair *s);
void pair_assert_why(struct link *l, const char *why);
/* Neither end lets the other in, and each knows why. */
void pair_assert_refused(struct pair *s, const char *client, const char *server);
/* Reads `bytes`, or to the end; what reading ended with. */
ssize_t pair_read(struct pair *s, struct link *l, char *out, size_t bytes);
void pair_assert_says(struct pair *s, struct link *from, struct link *to, const char *text);
/* A socket that is connected to the listener by hand. */
int pair_dial(const struct pair *s);
void pair_wait_for_server(struct pair *s);

#endif
