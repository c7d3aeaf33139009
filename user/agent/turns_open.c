// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Opening and closing what flows leave by, at the start, at the end, and at each reload.
 *
 * The problem: a reload may name other exporters, or the same with other options, while flows wait
 * in queues that must not lose or repeat one; and an exporter that cannot be opened must not take
 * the others with it.
 *
 * The idea: an exporter is known by its address. One that is named as before stays as it is; one
 * with other options is closed and opened again over the same queue, which carries on at the mark of
 * the last turn; when that fails it is opened as it was. What the configuration no longer names has
 * a second to send what waits. The ledger is there while there is anyone to take flows.
 *
 *   Said besides flows   interfaces and statistics, for the exporters' options
 *   Opening and closing  the ledger, where the last turn left it; exporters: compared, opened, closed
 */
#include "agent/turns.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/folder.h"
#include "base/text.h"

#define LINE_BYTES 1024
#define LEDGER_PATH EXPORTS_DIR "/ledger"
#define REMOVED_NS WEIR_NS_PER_SEC /* for an exporter that the configuration names no more */

struct speaker {
	turns_say_fn *say;
	void *context;
};

__attribute__((format(printf, 2, 3))) static void say(const struct speaker *to, const char *format,
						      ...)
{
	char line[LINE_BYTES];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	to->say(to->context, line);
}

/* --- What is said besides flows ----------------------------------------------------------- */

static void tell_statistics(void *context, struct wire_statistics *out)
{
	const struct turns *t = context;
	struct meter_totals totals;

	*out = (struct wire_statistics){};
	if (meter_totals(t->meter, &totals))
		return;
	out->start_ns = totals.start_ns;
	out->seen_packets = totals.seen.packets;
	out->seen_bytes = totals.seen.bytes;
	out->ignored_packets = totals.named.packets;
	out->ignored_bytes = totals.named.bytes;
	out->overflow_packets = totals.overflow.packets;
	out->overflow_bytes = totals.overflow.bytes;
}

/* --- Opening and closing ------------------------------------------------------------------ */

static void close_ledger(struct turns *t)
{
	ledger_close(t->ledger);
	t->ledger = NULL;
	harvest_close(&t->harvest);
	free(t->ended);
	t->ended = NULL;
	t->counted = false;
}

static int open_ledger(struct turns *t, const struct speaker *to)
{
	struct why why = {};
	__u64 position = meter_ring_position(t->meter);
	bool known;
	int code = t->folder ? folder_make_for(LEDGER_PATH) : 0;

	if (code) {
		say(to, "%s: %s", t->folder, strerror(-code));
		return code;
	}
	code = ledger_open(t->folder ? LEDGER_PATH : NULL, meter_identity(t->meter),
			   t->meter->sets * WEIR_WAYS, &t->ledger, &known, &why);
	if (code) {
		say(to, "%s", why.text);
		return code;
	}
	code = harvest_open(&t->harvest, TURNS_FLOWS_MAX);
	if (code) {
		say(to, "harvest: %s", strerror(-code));
		close_ledger(t);
		return code;
	}
	ledger_turn(t->ledger, &t->turn);
	/* Behind: a turn was committed and its events not released. Ahead: who came between
	 * exported nothing, and let the ring go. */
	if (t->turn.ring_position < position || t->turn.ring_position > meter_ring_end(t->meter))
		t->turn.ring_position = position;
	meter_ring_release(t->meter, t->turn.ring_position);
	return 0;
}

/* The mark that was committed last for the queue of `to`, if any was. */
static const struct queue_mark *recovered_mark(const struct turns *t, const char *to)
{
	char path[PATH_MAX];
	struct queue_view view;

	if (!t->folder)
		return NULL;
	exporter_path(t->folder, to, path, sizeof(path));
	if (queue_peek(path, &view, NULL))
		return NULL;
	for (int i = 0; i < EXPORTS_MAX; i++)
		if (t->turn.mark[i].file == view.mark.file)
			return &t->turn.mark[i];
	return NULL;
}

/* How many records stay unsent. What it was opened with goes to `options`, or nowhere. */
static __u64 close_one(struct turns *t, int i, __u64 deadline_ns, struct export_options *options)
{
	__u64 unsent = exporter_close(t->exporter[i], deadline_ns);

	if (options)
		*options = t->options[i];
	else
		export_options_free(&t->options[i]);
	t->options[i] = (struct export_options){};
	t->exporter[i] = NULL;
	t->stuck[i] = false;
	t->count--;
	return unsent;
}

static int open_one(struct turns *t, struct export_options *options, const struct speaker *to)
{
	struct why err = {};
	int i = 0, code;

	while (t->exporter[i])
		i++;
	t->options[i] = *options;
	code = exporter_open(&t->options[i], &t->facts, t->folder, recovered_mark(t, options->to),
			     &t->exporter[i], &err);
	if (err.text[0])
		say(to, "%s", err.text);
	if (code) {
		t->exporter[i] = NULL;
		memset(&t->options[i], 0, sizeof(t->options[i]));
		return code;
	}
	*options = (struct export_options){};
	t->count++;
	return 0;
}

/* Which exporter has this address, or EXPORTS_MAX. */
static int find(const struct turns *t, const char *to)
{
	int i = 0;

	while (i < EXPORTS_MAX && !(t->exporter[i] && text_same(t->options[i].to, to)))
		i++;
	return i;
}

static bool is_named(const struct config *config, const char *to)
{
	for (unsigned int i = 0; i < config->export_count; i++)
		if (text_same(config->exports[i].to, to))
			return true;
	return false;
}

/* One that is open with other options goes on with these, in the same queue; when it cannot be
 * opened so, as it was. */
static int want_one(struct turns *t, struct export_options *options, const struct speaker *to)
{
	struct export_options before = {};
	int i = find(t, options->to), code;

	if (i < EXPORTS_MAX && section_same(&export_section, &t->options[i], options))
		return 0;
	if (i < EXPORTS_MAX)
		close_one(t, i, 0, &before);
	code = open_one(t, options, to);
	if (code && before.to && !open_one(t, &before, to))
		say(to, "%s: goes on as it was", options->to);
	export_options_free(&before);
	return code;
}

/* The most flows that a turn makes. */
static void set_turn_room(struct turns *t)
{
	t->turn_room = TURNS_FLOWS_MAX;
	for (int i = 0; i < EXPORTS_MAX; i++)
		if (t->exporter[i] && t->options[i].queue < t->turn_room)
			t->turn_room = t->options[i].queue;
}

/* What waits for exporters that the configuration no longer names. */
static void forget(struct turns *t, const struct speaker *to)
{
	struct queue_count lost = {};

	if (!t->folder)
		return;
	exporter_forget(t->folder, t->options, EXPORTS_MAX, &lost);
	if (lost.records)
		say(to, "%llu records waited for exporters that are not in the configuration: lost",
		    lost.records);
}

int turns_add_sink(struct turns *t, const struct flow_sink *sink)
{
	if (t->sink_count == TURNS_SINKS)
		return -E2BIG;
	t->sink[t->sink_count++] = *sink;
	return 0;
}

/* What is open for exporters alone does not keep flows for sinks. */
static int serve_sinks(struct turns *t, const struct speaker *to)
{
	if (!t->sink_count || t->ended)
		return 0;
	t->ended = malloc(TURNS_FLOWS_MAX * sizeof(*t->ended));
	if (t->ended)
		return 0;
	say(to, "flows: %s", strerror(ENOMEM));
	return -ENOMEM;
}

int turns_apply(struct turns *t, struct config *config, turns_say_fn *say_fn, void *context)
{
	const struct speaker to = {say_fn, context};
	const __u64 deadline_ns = clock_monotonic_ns() + REMOVED_NS;
	int code = 0;

	t->facts.context = t;
	t->facts.names = &t->names;
	t->facts.sockets = t->sockets;
	t->facts.statistics = tell_statistics;
	t->facts.distinct = turns_export_distinct;
	t->facts.clock_ns = t->folder ? NULL : &t->clock_ns;
	turns_follow_clock(t);
	/* Other queries may run now. */
	t->distinct_ns = 0;
	t->tells_distinct = turns_can_export_distinct(config);
	turns_follow_distinct(t);
	if ((config->export_count || t->sink_count) && !t->ledger)
		code = open_ledger(t, &to);
	code = code ? code : serve_sinks(t, &to);
	if (code)
		return code;
	for (int i = 0; i < EXPORTS_MAX; i++)
		if (t->exporter[i] && !is_named(config, t->options[i].to))
			close_one(t, i, deadline_ns, NULL);
	for (unsigned int i = 0; i < config->export_count; i++) {
		int err = want_one(t, &config->exports[i], &to);

		code = code ? code : err;
	}
	set_turn_room(t);
	if (!code)
		forget(t, &to);
	if (!t->count && !t->sink_count && t->ledger)
		close_ledger(t);
	return code;
}

void turns_close(struct turns *t, __u64 deadline_ns, turns_say_fn *say_fn, void *context)
{
	const struct speaker to = {say_fn, context};

	for (int i = 0; i < EXPORTS_MAX; i++) {
		struct export_options options;
		__u64 unsent;

		if (!t->exporter[i])
			continue;
		unsent = close_one(t, i, deadline_ns, &options);
		if (unsent && t->folder)
			say(&to, "%s: %llu records were not sent; they wait in %s for the next run",
			    options.to, unsent, t->folder);
		else if (unsent)
			say(&to, "%s: %llu records could not be sent", options.to, unsent);
		export_options_free(&options);
	}
	if (t->ledger)
		close_ledger(t);
}

void turns_remove_ledger(void)
{
	unlink(LEDGER_PATH);
}
