// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Where answers go: into the log, and, this coordinator being a host of another one, to the parent.
 * There an answer is a query of that name, whose value is the middle of the interval and whose
 * error is half of it; sums only, for averages cannot be added up.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "view/answers.h"
#include "coordinate/coordinate.h"
#include "peer/ask.h"

#define LOG_AGAIN_NS (10 * WEIR_NS_PER_SEC)

static void say_log(struct coordinate *c, int code, const char *why)
{
	/* When it begins and when it ends, not each second. */
	if (code && !c->log_failed)
		coordinate_say(c, "the log is interrupted: %s", why);
	if (!code && c->log_failed)
		coordinate_say(c, "the log goes on");
	c->log_failed = code;
}

/* Where it fails a file has ended; the next is not begun with each answer. */
static void log_answer(struct coordinate *c, const struct coordinator_answer *answer)
{
	char why[INTERVAL_LOG_WHY_BYTES];
	int code;

	if (!c->log || c->clock_ns < c->log_again_ns)
		return;
	code = interval_log_answer(c->log, answer, why);
	if (!code)
		return;
	say_log(c, code, why);
	c->log_broke = true;
	c->log_again_ns = c->clock_ns + LOG_AGAIN_NS;
}

static void forget_last(struct coordinate *c)
{
	for (unsigned int i = 0; i < c->ask_count && c->last; i++)
		json_decref(c->last[i].json);
	free(c->last);
	c->last = NULL;
}

void answers_expect(struct coordinate *c, struct coordinate_last *last, unsigned int count)
{
	forget_last(c);
	c->last = last;
	c->ask_count = count;
}

static void keep_for_parent(struct coordinate *c, const struct coordinator_answer *answer);

void answer_take(void *context, const struct coordinator_answer *answer)
{
	struct coordinate *c = context;
	struct coordinate_last *last = &c->last[answer->index];

	log_answer(c, answer);
	json_decref(last->json);
	last->json = answers_json(answer);
	last->at_ns = c->clock_ns;
	c->answered = true;
	keep_for_parent(c, answer);
}

/* Answers come each at their own pace. Of those that came lately, have all come since the print? */
static bool is_whole(const struct coordinate *c)
{
	for (unsigned int i = 0; i < c->ask_count; i++)
		if (c->last[i].at_ns + 2 * WEIR_NS_PER_SEC > c->clock_ns &&
		    c->last[i].at_ns <= c->printed_ns)
			return false;
	return true;
}

int answers_try(struct coordinate *c, const struct config_coordinate *config,
		struct interval_log **log)
{
	char why[INTERVAL_LOG_WHY_BYTES];
	int code = config->parent.address.text ? uplink_check(&config->parent, why) : 0;

	*log = NULL;
	if (code) {
		coordinate_say(c, "parent: %s", why);
		return code;
	}
	if (!config->log)
		return 0;
	*log = interval_log_open(config->log, why);
	if (*log)
		return 0;
	coordinate_say(c, "log: %s", why);
	return -EIO;
}

/* --- The parent ------------------------------------------------------------------------ */

static __u64 mix(__u64 hash, const char *text)
{
	for (; *text; text++)
		hash = (hash ^ (unsigned char)*text) * 0x100000001b3ull; /* FNV-1a */
	return hash;
}

/* The same for this coordinator on this machine whenever it is started. */
static __u64 instance(const struct coordinate *c)
{
	char machine[64] = "", name[256] = "";
	FILE *file = fopen("/etc/machine-id", "re");

	if (file && !fgets(machine, sizeof(machine), file))
		machine[0] = '\0';
	if (file)
		fclose(file);
	if (gethostname(name, sizeof(name) - 1))
		name[0] = '\0';
	return mix(mix(mix(0xcbf29ce484222325ull, machine), name), c->socket);
}

static void say_line(void *context, const char *line)
{
	coordinate_say(context, "%s", line);
}

static void make_ask(const struct config *config, __u32 answer, __u32 number,
		     struct interval_ask *out)
{
	const struct config_answer *a = &config->coordinate.answers[answer];
	const struct config_query *query = &config->queries[a->query];

	peer_ask(a->name, query->match, query->measure == WEIR_MEASURE_BYTES, query->window_s, out);
	out->query = number;
}

static void close_uplink(struct coordinate *c, bool goodbye)
{
	if (!c->uplink)
		return;
	coordinate_watch(c, &c->uplink_watch, -1, 0);
	uplink_free(c->uplink, goodbye);
	c->uplink = NULL;
}

/* The sums, in the order of the config. */
static void make_asks(struct coordinate *c, struct interval_ask *asks)
{
	const struct config_coordinate *k = &c->config.coordinate;

	memset(c->offer, 0, SOURCE_QUERIES * sizeof(*c->offer));
	c->offered_count = 0;
	c->told = 0;
	for (unsigned int i = 0; i < k->answer_count; i++) {
		if (k->answers[i].aggregate != COORDINATOR_SUM)
			continue;
		if (c->offered_count == SOURCE_QUERIES) {
			coordinate_say(c, "the parent gets the first %d sums only", SOURCE_QUERIES);
			return;
		}
		make_ask(&c->config, i, c->offered_count, &asks[c->offered_count]);
		c->offer[c->offered_count++].ask = i;
	}
}

int answers_open_uplink(struct coordinate *c)
{
	const struct peer_options *parent = &c->config.coordinate.parent;
	enum uplink_change change = UPLINK_ELSEWHERE;
	struct interval_ask *asks;

	if (!parent->address.text) {
		close_uplink(c, true);
		return 0;
	}
	if (!c->offer)
		c->offer = calloc(SOURCE_QUERIES, sizeof(*c->offer));
	asks = calloc(SOURCE_QUERIES, sizeof(*asks));
	if (!asks || !c->offer) {
		close_uplink(c, true);
		free(asks);
		return -ENOMEM;
	}
	make_asks(c, asks);
	if (c->uplink)
		change = uplink_compare(c->uplink, parent, asks, c->offered_count);
	if (!c->uplink || change != UPLINK_SAME) {
		close_uplink(c, change == UPLINK_ELSEWHERE);
		c->uplink = uplink_new(parent, instance(c), asks, c->offered_count, say_line, c);
	}
	free(asks);
	return c->uplink ? 0 : -ENOMEM;
}

void answers_turn_uplink(struct coordinate *c)
{
	int fd;

	if (!c->uplink)
		return;
	uplink_turn(c->uplink, c->clock_mono_ns);
	fd = uplink_fd(c->uplink);
	if (coordinate_watch(c, &c->uplink_watch, fd, fd < 0 ? 0 : uplink_events(c->uplink)))
		coordinate_watch(c, &c->uplink_watch, -1, 0);
}

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
	const __u64 width = (__u64)a->high - (__u64)a->low;
	struct source_value value = {
		.value = a->low + (__s64)(width / 2),
		.error = width - width / 2,
	};

	value.known = value.error <= INTERVAL_VALUE_MAX && value.value <= INTERVAL_VALUE_MAX &&
		      value.value >= -INTERVAL_VALUE_MAX;
	return value;
}

static void keep_for_parent(struct coordinate *c, const struct coordinator_answer *answer)
{
	for (unsigned int i = 0; i < c->offered_count; i++) {
		struct coordinate_offer *offer = &c->offer[i];
		struct coordinate_past *past = &offer->past[answer->tick % COORDINATE_HISTORY];

		if (offer->ask != answer->index)
			continue;
		past->tick = offer->tick = answer->tick;
		past->value = middle(answer);
		name_missing(answer, past->missing);
	}
}

/* All values of a tick. One of which nothing was ever told is nought, and lacks everybody. */
static void tell_tick(struct coordinate *c, __s64 tick)
{
	struct source_value *values = calloc(SOURCE_QUERIES, sizeof(*values));
	struct interval_lack *lacks = calloc(SOURCE_QUERIES, sizeof(*lacks));
	__u32 lack_count = 0;

	for (unsigned int i = 0; i < c->offered_count && values && lacks; i++) {
		const struct coordinate_offer *offer = &c->offer[i];
		const struct coordinate_past *past = &offer->past[tick % COORDINATE_HISTORY];
		const char *missing = offer->tick ? past->missing : "all: none has told of it yet";

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
		uplink_values(c->uplink, tick, values, lacks, lack_count, c->clock_mono_ns);
	free(values);
	free(lacks);
}

/* What all answers have come to. */
static void tell_parent(struct coordinate *c)
{
	__s64 to = 0;

	for (unsigned int i = 0; i < c->offered_count; i++)
		if (c->offer[i].tick && (!to || c->offer[i].tick < to))
			to = c->offer[i].tick;
	if (to <= c->told)
		return;
	if (to - c->told >= COORDINATE_HISTORY)
		c->told = to - 1;
	while (c->told < to)
		tell_tick(c, ++c->told);
	answers_turn_uplink(c);
}

void answers_settle(struct coordinate *c, __u64 now_ns)
{
	char why[INTERVAL_LOG_WHY_BYTES] = "";
	int code;

	if (c->answered) {
		c->whole = is_whole(c);
		if (c->uplink)
			tell_parent(c);
	}
	c->answered = false;
	if (!c->whole && now_ns - c->printed_ns < COORDINATE_PRINT_NS)
		return;
	code = c->log ? interval_log_flush(c->log, why) : 0;
	if (code || (!c->log_broke && now_ns >= c->log_again_ns))
		say_log(c, code, why);
	c->log_broke = false;
}

void answers_close(struct coordinate *c)
{
	forget_last(c);
	free(c->offer);
	close_uplink(c, true);
	interval_log_close(c->log);
	c->log = NULL;
}
