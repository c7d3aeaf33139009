// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "coordinate/parent.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "peer/ask.h"

#define HISTORY 16 /* ticks of an answer, so that the parent gets all answers of the same one */

/* A sum, as it is offered to the parent. */
struct offer {
	__u32 ask; /* the engine's number */
	struct past {
		__s64 tick;
		struct source_value value;
		char missing[INTERVAL_TEXT_BYTES];
	} past[HISTORY]; /* at tick % HISTORY */
	__s64 tick;      /* the last; 0: none yet */
};

struct parent {
	struct loop *loop;
	struct steady *clock;
	struct notes *notes;
	char socket[CONFIG_SOCKET_BYTES];
	struct uplink *uplink; /* NULL: the configuration names no parent */
	struct offer *offer;   /* [SOURCE_QUERIES], by the parent's numbers; NULL: not needed yet */
	unsigned int count;
	bool answered;  /* since the last settling */
	__s64 reported; /* the last tick that it got */
};

struct parent *parent_new(struct loop *loop, struct steady *clock, struct notes *notes,
			  const char *socket)
{
	struct parent *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->loop = loop;
	p->clock = clock;
	p->notes = notes;
	snprintf(p->socket, sizeof(p->socket), "%s", socket);
	return p;
}

static void close_uplink(struct parent *p, bool goodbye)
{
	uplink_free(p->uplink, goodbye);
	p->uplink = NULL;
}

void parent_free(struct parent *p)
{
	if (!p)
		return;
	close_uplink(p, true);
	free(p->offer);
	free(p);
}

/* --- The session ----------------------------------------------------------------------- */

static __u64 mix(__u64 hash, const char *text)
{
	for (; *text; text++)
		hash = (hash ^ (unsigned char)*text) * 0x100000001b3ull; /* FNV-1a */
	return hash;
}

/* The same for this coordinator on this machine whenever it is started. */
static __u64 instance(const struct parent *p)
{
	char machine[64] = "", name[256] = "";
	FILE *file = fopen("/etc/machine-id", "re");

	if (file && !fgets(machine, sizeof(machine), file))
		machine[0] = '\0';
	if (file)
		fclose(file);
	if (gethostname(name, sizeof(name) - 1))
		name[0] = '\0';
	return mix(mix(mix(0xcbf29ce484222325ull, machine), name), p->socket);
}

static void say_line(void *context, const char *line)
{
	const struct parent *p = context;

	notes_say(p->notes, "%s", line);
}

static void make_ask(const struct config *config, __u32 answer, __u32 number,
		     struct interval_ask *out)
{
	const struct config_answer *a = &config->coordinate.answers[answer];
	const struct config_query *query = &config->queries[a->query];

	peer_ask(a->name, query->match, query->measure == WEIR_MEASURE_BYTES, query->window_s, out);
	out->query = number;
}

/* The sums, in the order of the config. */
static void make_asks(struct parent *p, const struct config *config, struct interval_ask *asks)
{
	const struct config_coordinate *k = &config->coordinate;

	memset(p->offer, 0, SOURCE_QUERIES * sizeof(*p->offer));
	p->count = 0;
	p->reported = 0;
	for (unsigned int i = 0; i < k->answer_count; i++) {
		if (k->answers[i].aggregate != COORDINATOR_SUM)
			continue;
		if (p->count == SOURCE_QUERIES) {
			notes_warn(p->notes, "the parent gets the first %d sums only",
				   SOURCE_QUERIES);
			return;
		}
		make_ask(config, i, p->count, &asks[p->count]);
		p->offer[p->count++].ask = i;
	}
}

static void open_uplink(struct parent *p, const struct peer_options *to,
			const struct interval_ask *asks)
{
	enum uplink_change change = UPLINK_ELSEWHERE;

	if (p->uplink)
		change = uplink_compare(p->uplink, to, asks, p->count);
	if (p->uplink && change == UPLINK_SAME)
		return;
	close_uplink(p, change == UPLINK_ELSEWHERE);
	p->uplink = uplink_new(to, instance(p), asks, p->count, say_line, p);
	if (p->uplink)
		uplink_join(p->uplink, p->loop);
}

int parent_apply(struct parent *p, const struct config *config)
{
	const struct peer_options *to = &config->coordinate.parent;
	struct interval_ask *asks;

	if (!to->address.text) {
		close_uplink(p, true);
		return 0;
	}
	if (!p->offer)
		p->offer = calloc(SOURCE_QUERIES, sizeof(*p->offer));
	asks = calloc(SOURCE_QUERIES, sizeof(*asks));
	if (!asks || !p->offer) {
		close_uplink(p, true);
		free(asks);
		return -ENOMEM;
	}
	make_asks(p, config, asks);
	open_uplink(p, to, asks);
	free(asks);
	return p->uplink ? 0 : -ENOMEM;
}

bool parent_status(const struct parent *p, struct uplink_status *out)
{
	if (p->uplink)
		uplink_status(p->uplink, out);
	return p->uplink;
}

/* --- What it gets ---------------------------------------------------------------------- */

/* "host 3 (web), host 9", cut where it is longer. */
static void name_missing(const struct coordinator_answer *answer, char out[INTERVAL_TEXT_BYTES])
{
	size_t length = 0;

	out[0] = '\0';
	for (__u32 i = 0; i < answer->part_count && length + 1 < INTERVAL_TEXT_BYTES; i++) {
		const struct coordinator_part *p = &answer->parts[i];
		const bool named = p->name && *p->name;
		char one[INTERVAL_NAME_BYTES + 32];

		if (!p->missing)
			continue;
		snprintf(one, sizeof(one), "%shost %u%s%.*s%s", length ? ", " : "", p->host,
			 named ? " (" : "", INTERVAL_NAME_BYTES, named ? p->name : "",
			 named ? ")" : "");
		/* A name that is cut in two might end within a character. */
		if (length + strlen(one) + 5 > INTERVAL_TEXT_BYTES) {
			snprintf(out + length, INTERVAL_TEXT_BYTES - length, " ...");
			return;
		}
		length += snprintf(out + length, INTERVAL_TEXT_BYTES - length, "%s", one);
	}
}

static struct source_value middle(const struct coordinator_answer *a)
{
	const __u64 width = (__u64)a->sum_high - (__u64)a->sum_low;
	struct source_value value = {
		.value = a->sum_low + (__s64)(width / 2),
		.error = width - width / 2,
		.since = a->counted_since,
	};

	value.known = value.error <= INTERVAL_VALUE_MAX && value.value <= INTERVAL_VALUE_MAX &&
		      value.value >= -INTERVAL_VALUE_MAX;
	return value;
}

void parent_take(struct parent *p, const struct coordinator_answer *answer)
{
	p->answered = true;
	for (unsigned int i = 0; i < p->count; i++) {
		struct offer *offer = &p->offer[i];
		struct past *past = &offer->past[answer->tick % HISTORY];

		if (offer->ask != answer->index)
			continue;
		past->tick = offer->tick = answer->tick;
		past->value = middle(answer);
		name_missing(answer, past->missing);
	}
}

/* All values of a tick. One that was never answered is 0, and lacks everybody. */
static void report_tick(struct parent *p, __s64 tick)
{
	struct source_value *values = calloc(SOURCE_QUERIES, sizeof(*values));
	struct interval_lack *lacks = calloc(SOURCE_QUERIES, sizeof(*lacks));
	__u32 lack_count = 0;

	for (unsigned int i = 0; i < p->count && values && lacks; i++) {
		const struct offer *offer = &p->offer[i];
		const struct past *past = &offer->past[tick % HISTORY];
		const char *missing = offer->tick ? past->missing : "all: nothing reported yet";

		if (!offer->tick)
			values[i].known = true;
		else if (past->tick == tick)
			values[i] = past->value;
		if (!*missing)
			continue;
		lacks[lack_count] = (struct interval_lack){.query = i, .tick = tick};
		snprintf(lacks[lack_count++].missing, INTERVAL_TEXT_BYTES, "%s", missing);
	}
	if (values && lacks)
		uplink_values(p->uplink, tick, values, lacks, lack_count, p->clock->monotonic_ns);
	free(values);
	free(lacks);
}

/* What all answers have come to. */
static __s64 common_tick(const struct parent *p)
{
	__s64 to = 0;

	for (unsigned int i = 0; i < p->count; i++) {
		if (p->offer[i].tick && (!to || p->offer[i].tick < to))
			to = p->offer[i].tick;
	}
	return to;
}

void parent_settle(struct parent *p)
{
	__s64 to;

	if (!p->answered || !p->uplink)
		return;
	p->answered = false;
	to = common_tick(p);
	if (to <= p->reported)
		return;
	if (to - p->reported >= HISTORY)
		p->reported = to - 1;
	while (p->reported < to)
		report_tick(p, ++p->reported);
	uplink_turn(p->uplink, p->clock->monotonic_ns);
}
