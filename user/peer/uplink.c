// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Sessions with a coordinator, one after the other, without ever waiting.
 *
 * The problem: a link may break, a name may not resolve, a coordinator may refuse, hang or say
 * nonsense, in the middle of any message; and the second's values come at times of their own.
 *
 * The idea: each turn does whatever can be done now, in the stage that the session is in. What
 * fails on the way only notes why (fail()) and returns -ECANCELED up to the turn, where end() alone
 * closes the link, plans the next attempt and reports; so nothing is freed under a reader that
 * is in the middle of a message.
 *
 *   end, retry     when the next attempt is due, and what people hear of the last
 *   speaking       hello, asks, the words of a second
 *   listening      welcome, refusal, grants
 *   turns          the stages
 *   values         a second: updates, since when they are counted, lacks, a tick
 *
 * What outlives a session is in struct uplink: the widths that were granted last, which the next
 * session asks for, and the counts of the status. uplink_open.c makes, compares and frees it.
 */
#include "peer/uplink_internal.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/utf8.h"

#define ATTEMPT_NS (2500 * NS_PER_MS)
#define ATTEMPT_LONG_NS (10000 * NS_PER_MS)
#define ATTEMPT_LONG_EACH 4
#define RETRY_MIN_NS (500 * NS_PER_MS)
#define RETRY_MAX_NS (2000 * NS_PER_MS)
#define REFUSED_MIN_NS (1000 * NS_PER_MS)
#define REFUSED_MAX_NS (30000 * NS_PER_MS)
#define STEADY_NS (3000 * NS_PER_MS) /* a session that held for so long was a good one */
#define GOODBYE_NS (200 * NS_PER_MS) /* for the last words to leave */
#define LINE_BYTES 1024

__attribute__((format(printf, 2, 3))) static void say(const struct uplink *u, const char *format,
						      ...)
{
	char line[LINE_BYTES];
	int used = snprintf(line, sizeof(line), "coordinator %s: ", u->options.address.text);
	va_list args;

	va_start(args, format);
	if (used >= 0 && (size_t)used < sizeof(line))
		vsnprintf(line + used, sizeof(line) - used, format, args);
	va_end(args);
	u->say(u->context, line);
}

/* Nothing is closed here: who calls may be in the middle of a message. */
__attribute__((format(printf, 2, 3))) static int fail(struct uplink *u, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	why_vset(&u->why, -ECANCELED, format, args);
	va_end(args);
	return -ECANCELED;
}

/* --- The end of a session, and the wait for the next --------------------------------------- */

void uplink_set_phase(struct uplink *u, enum uplink_phase phase)
{
	if (u->status.phase != phase || !u->status.since_ns)
		u->status.since_ns = clock_unix_ns();
	u->status.phase = phase;
}

static void add_traffic(struct uplink_status *sum, const struct talk *talk)
{
	sum->sent_messages += talk->messages_out;
	sum->sent_bytes += talk->bytes_out;
	sum->read_messages += talk->messages_in;
	sum->read_bytes += talk->bytes_in;
}

void uplink_close(struct uplink *u)
{
	add_traffic(&u->status, &u->talk);
	talk_end(&u->talk);
	secure_context_free(u->tls);
	u->tls = NULL;
}

/* Hosts that lost their coordinator together do not come back at one instant. */
static __u64 spread(const struct uplink *u, __u64 wait_ns)
{
	const __u64 mixed = (u->instance + u->tries + u->refusals) * 0x9e3779b97f4a7c15ull;

	return wait_ns - wait_ns / 4 * (mixed >> 56) / 256;
}

static __u64 doubled(__u64 least_ns, unsigned int times, __u64 most_ns)
{
	__u64 ns = times < 8 ? least_ns << times : most_ns;

	return ns < most_ns ? ns : most_ns;
}

static void plan_retry(struct uplink *u, bool was_up, __u64 now_ns)
{
	const bool steady = was_up && now_ns - u->began_ns >= STEADY_NS;

	if (steady)
		u->tries = u->refusals = 0;
	if (u->refused) {
		u->retry_ns =
			now_ns + spread(u, doubled(REFUSED_MIN_NS, u->refusals++, REFUSED_MAX_NS));
		return;
	}
	u->retry_ns = now_ns;
	if (steady)
		return;
	u->retry_ns = u->began_ns + spread(u, doubled(RETRY_MIN_NS, u->tries++, RETRY_MAX_NS));
	if (u->retry_ns < now_ns)
		u->retry_ns = now_ns;
}

static void say_why(struct uplink *u, bool was_up)
{
	if (!was_up && !strcmp(u->why.text, u->said.text))
		return;
	say(u, "%s%s; trying again",
	    u->refused ? "refused: "
	    : was_up   ? "lost: "
		       : "",
	    u->why.text);
	u->said = u->why;
}

static void keep_widths(struct uplink *u)
{
	for (__u32 q = 0; q < u->count; q++) {
		const __u64 width = source_width(&u->source, q);

		if (width)
			u->ask[q].width = width;
	}
}

static void end(struct uplink *u, __u64 now_ns)
{
	const bool was_up = u->stage == STAGE_UP;

	if (was_up)
		keep_widths(u);
	uplink_close(u);
	u->stage = STAGE_WAIT;
	plan_retry(u, was_up, now_ns);
	say_why(u, was_up);
	uplink_set_phase(u, u->refused ? UPLINK_REFUSED : UPLINK_DOWN);
	u->status.why = u->why;
	u->status.refused_count = 0;
	u->refused = false;
}

/* --- Speaking ------------------------------------------------------------------------------ */

/* The first `count` of u->word, in one message when they fit. */
static int speak(struct uplink *u, unsigned int count)
{
	struct why why = {};

	return talk_say(&u->talk, u->word, count, clock_unix_ns(), &why) ? fail(u, "%s", why.text)
									 : 0;
}

static int greet(struct uplink *u)
{
	struct interval_hello *hello = &u->word[0].hello;

	u->word[0] = (struct interval_word){.kind = INTERVAL_HELLO};
	hello->host = u->options.host;
	hello->instance = u->instance;
	hello->time_ms = clock_unix_ns() / NS_PER_MS;
	snprintf(hello->name, sizeof(hello->name), "%s", u->options.name);
	u->stage = STAGE_HELLO;
	return speak(u, 1);
}

static int take_welcome(struct uplink *u, const struct interval_welcome *welcome)
{
	const enum interval_method method = welcome->rules.method;

	if (u->stage != STAGE_HELLO)
		return fail(u, "it welcomes in the middle of a session");
	if (method >= INTERVAL_METHODS)
		return fail(u, "it welcomes with a method that is not known here");
	source_begin(&u->source, &welcome->rules, u->count);
	u->shift_s = welcome->shift_s;
	memset(u->lack, 0, sizeof(u->lack));
	memset(u->since, 0, sizeof(u->since));
	u->left_out = 0;
	u->stage = STAGE_UP;
	u->status.sessions++;
	u->status.method = method;
	memcpy(u->status.name, welcome->name, sizeof(u->status.name));
	u->status.why = u->said = (struct why){};
	uplink_set_phase(u, UPLINK_UP);
	say(u, "up, as host %u%s%s%s (%s)", u->options.host, *welcome->name ? " of '" : "",
	    welcome->name, *welcome->name ? "'" : "", interval_methods[method].word);
	for (__u32 q = 0; q < u->count; q++)
		u->word[q] = (struct interval_word){.kind = INTERVAL_ASK, .ask = u->ask[q]};
	return speak(u, u->count);
}

/* --- Listening ----------------------------------------------------------------------------- */

/* Only a query's own reason is kept, and each once: whatever is said, it is bounded. */
static int take_other(struct uplink *u, const struct interval_ask *other)
{
	const __u32 q = other->query;
	struct why why = {};
	unsigned int n;

	if (u->stage != STAGE_UP || q >= u->count || u->left_out & 1ull << q) {
		u->refused = true;
		return fail(u, "it refuses query %u, which was not asked, or again", q);
	}
	u->left_out |= 1ull << q;
	if (!interval_ask_compare(other, "at the coordinator", &u->ask[q], &why))
		why_set(&why, 0, "'%s' is refused by the coordinator", u->ask[q].name);
	n = u->status.refused_count++;
	memcpy(u->status.refused[n].query, u->ask[q].name, sizeof(u->ask[q].name));
	snprintf(u->status.refused[n].why, sizeof(u->status.refused[n].why), "%.*s",
		 (int)utf8_cut(why.text, sizeof(u->status.refused[n].why) - 1), why.text);
	if (!strcmp(u->other[q], u->status.refused[n].why))
		return 0;
	memcpy(u->other[q], u->status.refused[n].why, sizeof(u->other[q]));
	say(u, "query refused: %s", u->other[q]);
	return 0;
}

static int take_word(void *context, const struct interval_word *word)
{
	struct uplink *u = context;

	switch (word->kind) {
	case INTERVAL_WELCOME:
		return take_welcome(u, &word->welcome);
	case INTERVAL_REFUSAL:
		u->refused = true;
		return fail(u, "%s", word->refusal);
	case INTERVAL_GRANT:
		u->status.grants++;
		if (u->stage == STAGE_UP && !source_grant(&u->source, &word->grant))
			return 0;
		u->refused = true;
		return fail(u, "it grants what cannot be: width %llu for query %u, serial %u",
			    word->grant.width, word->grant.query, word->grant.serial);
	case INTERVAL_OTHER:
		return take_other(u, &word->other);
	default:
		u->refused = true;
		return fail(u, "it says what only hosts say");
	}
}

static int listen_to(struct uplink *u)
{
	struct why why = {};
	int code;

	/* One that never stops talking keeps nobody waiting: the link is due again at once. */
	code = talk_listen(&u->talk, take_word, u, &why);
	if (code >= 0 || code == -ECANCELED)
		return code < 0 ? code : 0;
	/* Who hangs up on a hello, or does not speak as we do, will do so again. */
	u->refused = code == -EPIPE
			     ? u->stage == STAGE_HELLO
			     : code == -EPROTONOSUPPORT || code == -EMSGSIZE || code == -EBADMSG;
	return fail(u, "%s", why.text);
}

/* --- Turns --------------------------------------------------------------------------------- */

static int open_link(struct uplink *u, __u64 now_ns)
{
	const bool longer = u->tries % ATTEMPT_LONG_EACH == ATTEMPT_LONG_EACH - 1;
	struct why why = {};
	struct link *link;
	int code = 0;

	u->began_ns = now_ns;
	u->limit_ns = now_ns + (longer ? ATTEMPT_LONG_NS : ATTEMPT_NS);
	u->stage = STAGE_OPEN;
	if (u->options.address.url.transport == URL_TLS) {
		const struct secure_files files = {u->options.ca, u->options.cert, u->options.key};

		code = secure_context_new(&files, false, &u->tls, &why);
	}
	if (code)
		return fail(u, "%s", why.text);
	link = link_connect(&u->options.address.url, u->tls, NULL, now_ns);
	if (link)
		link_watch(link, u->sockets);
	if (link && !talk_begin(&u->talk, link, u->options.host, INTERVAL_MESSAGE_MAX))
		return 0;
	link_close(link);
	return fail(u, "%s", strerror(ENOMEM));
}

/* What has come is read before the link is asked how it is: the last words are in front of the
 * end. */
static int go_on(struct uplink *u, __u64 now_ns)
{
	int code = u->stage >= STAGE_HELLO ? listen_to(u) : 0;

	if (code)
		return code;
	switch (link_turn(u->talk.link, now_ns)) {
	case LINK_DOWN:
		return fail(u, "%s",
			    *talk_why(&u->talk) ? talk_why(&u->talk)
						: "it has closed the connection");
	case LINK_UP:
		if (u->stage != STAGE_OPEN)
			return 0;
		code = greet(u);
		return code ? code : listen_to(u);
	default:
		return 0;
	}
}

static void take_turn(struct uplink *u, __u64 now_ns)
{
	int code = 0;

	u->now_ns = now_ns;
	if (u->stage == STAGE_WAIT) {
		if (now_ns < u->retry_ns)
			return;
		code = open_link(u, now_ns);
	}
	if (!code) {
		const enum uplink_stage before = u->stage;

		code = go_on(u, now_ns);
		if (before != STAGE_UP && u->stage == STAGE_UP)
			u->began_ns = now_ns;
	}
	if (!code && u->stage != STAGE_UP && now_ns >= u->limit_ns)
		code = fail(u, "no answer");
	if (code)
		end(u, now_ns);
}

void uplink_turn(struct uplink *u, __u64 now_ns)
{
	take_turn(u, now_ns);
	uplink_follow(u);
}

void uplink_restart(struct uplink *u, const char *why, __u64 now_ns)
{
	if (u->stage == STAGE_WAIT)
		return;
	fail(u, "%s", why);
	end(u, now_ns);
	u->retry_ns = now_ns;
	uplink_follow(u);
}

/* --- Values -------------------------------------------------------------------------------- */

static unsigned int add_updates(struct uplink *u, unsigned int words, __u32 updates)
{
	for (__u32 i = 0; i < updates; i++)
		u->word[words++] =
			(struct interval_word){.kind = INTERVAL_UPDATE, .update = u->update[i]};
	u->status.updates += updates;
	return words;
}

/* Those that are others than were told. */
static unsigned int add_sinces(struct uplink *u, unsigned int words, __s64 tick,
			       const struct source_value *values)
{
	for (__u32 q = 0; q < u->count; q++) {
		const __s64 now = values[q].since ? values[q].since + u->shift_s : 0;
		struct interval_word *word = &u->word[words];

		if (now == u->since[q] || now < 0)
			continue;
		u->since[q] = now;
		*word = (struct interval_word){.kind = INTERVAL_SINCE};
		word->since = (struct interval_since){.query = q, .tick = tick, .since = now};
		words++;
	}
	return words;
}

static const char *missing_in(__u32 query, const struct interval_lack *lacks, __u32 count)
{
	for (__u32 i = 0; i < count; i++)
		if (lacks[i].query == query)
			return lacks[i].missing;
	return "";
}

/* Those that are new, and those that are over. */
static unsigned int add_lacks(struct uplink *u, unsigned int words, __s64 tick,
			      const struct interval_lack *lacks, __u32 count)
{
	for (__u32 q = 0; q < u->count; q++) {
		const char *now = missing_in(q, lacks, count);
		struct interval_word *word = &u->word[words];

		if (!strcmp(now, u->lack[q]))
			continue;
		snprintf(u->lack[q], sizeof(u->lack[q]), "%s", now);
		*word = (struct interval_word){.kind = INTERVAL_LACK};
		word->lack.query = q;
		word->lack.tick = tick;
		snprintf(word->lack.missing, sizeof(word->lack.missing), "%s", now);
		words++;
	}
	return words;
}

static __s64 say_values(struct uplink *u, __s64 unix_second, const struct source_value *values,
			const struct interval_lack *lacks, __u32 lack_count, __u64 now_ns)
{
	const __s64 tick = unix_second + u->shift_s;
	struct interval_tick done;
	unsigned int words;

	if (u->stage != STAGE_UP)
		return 0;
	for (__u32 q = 0; q < u->count; q++)
		if (!values[q].known)
			return 0;
	if (u->source.tick && tick <= u->source.tick) {
		uplink_restart(u, "the clock went back", now_ns);
		return 0;
	}
	words = add_updates(u, 0, source_tick(&u->source, tick, values, u->update, &done));
	words = add_sinces(u, words, tick, values);
	words = add_lacks(u, words, tick, lacks, lack_count);
	u->word[words++] = (struct interval_word){.kind = INTERVAL_TICK, .tick = done};
	if (speak(u, words)) {
		end(u, now_ns);
		return 0;
	}
	u->status.ticks++;
	u->status.tick = tick;
	return tick;
}

__s64 uplink_values(struct uplink *u, __s64 unix_second, const struct source_value *values,
		    const struct interval_lack *lacks, __u32 lack_count, __u64 now_ns)
{
	const __s64 tick = say_values(u, unix_second, values, lacks, lack_count, now_ns);

	uplink_follow(u);
	return tick;
}

/* --- The end, and how it is --------------------------------------------------------------- */

void uplink_say_goodbye(struct uplink *u)
{
	u->word[0] = (struct interval_word){.kind = INTERVAL_GOODBYE};
	if (speak(u, 1))
		return;
	for (int i = 0; i < 10 && link_events(u->talk.link) & POLLOUT; i++) {
		struct pollfd fd = {.fd = link_fd(u->talk.link), .events = POLLOUT};

		if (poll(&fd, 1, GOODBYE_NS / NS_PER_MS / 10) < 0 ||
		    link_turn(u->talk.link, u->now_ns) != LINK_UP)
			return;
	}
}

int uplink_fd(const struct uplink *u)
{
	return u->talk.link ? link_fd(u->talk.link) : -1;
}

short uplink_events(const struct uplink *u)
{
	return u->talk.link ? link_events(u->talk.link) : 0;
}

__u64 uplink_due_ns(const struct uplink *u)
{
	__u64 due_ns;

	if (u->stage == STAGE_WAIT)
		return u->retry_ns;
	due_ns = link_due_ns(u->talk.link);
	return u->stage == STAGE_UP || due_ns < u->limit_ns ? due_ns : u->limit_ns;
}

bool uplink_is_up(const struct uplink *u)
{
	return u->stage == STAGE_UP;
}

void uplink_status(const struct uplink *u, struct uplink_status *out)
{
	*out = u->status;
	if (!u->talk.link)
		return;
	add_traffic(out, &u->talk);
}
