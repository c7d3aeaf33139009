// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Opening and closing what flows leave by: the ledger, the exporters, as the configuration says. */
#include "agent/turns.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "base/folder.h"
#include "base/text.h"
#include "view/text.h"

#define LINE_BYTES 1024
#define LEDGER_PATH EXPORTS_DIR "/ledger"
#define REMOVED_NS WEIR_NS_PER_SEC /* for an exporter that the configuration names no more */

struct speaker {
	exports_say_fn *say;
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

static bool tell_interface(void *context, unsigned int n, struct exporter_interface *out)
{
	const struct exports *x = context;
	struct weir_interface interface;

	for (__u32 account = 1; account < WEIR_INTERFACES; account++) {
		if (meter_interface(x->meter, account, &interface) || !interface.ifindex || n--)
			continue;
		*out = (struct exporter_interface){.index = interface.ifindex};
		snprintf(out->name, sizeof(out->name), "%s", interface.name);
		text_hooks(&interface, out->about, sizeof(out->about));
		return true;
	}
	return false;
}

static void tell_statistics(void *context, struct wire_statistics *out)
{
	const struct exports *x = context;
	struct meter_totals totals;

	*out = (struct wire_statistics){};
	if (meter_totals(x->meter, &totals))
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

static int open_ledger(struct exports *x, const struct speaker *to)
{
	struct why why = {};
	__u64 position = meter_ring_position(x->meter);
	bool known;
	int code = x->folder ? folder_make_for(LEDGER_PATH) : 0;

	if (code) {
		say(to, "%s: %s", x->folder, strerror(-code));
		return code;
	}
	code = ledger_open(x->folder ? LEDGER_PATH : NULL, meter_identity(x->meter),
			   x->meter->sets * WEIR_WAYS, &x->ledger, &known, &why);
	if (code) {
		say(to, "%s", why.text);
		return code;
	}
	code = harvest_open(&x->harvest, EXPORTS_TURN_MAX);
	if (code) {
		say(to, "harvest: %s", strerror(-code));
		ledger_close(x->ledger);
		x->ledger = NULL;
		return code;
	}
	ledger_turn(x->ledger, &x->turn);
	/* Behind: a turn was committed and its events not released. Ahead: who came between
	 * exported nothing, and let the ring go. */
	if (x->turn.ring_position < position || x->turn.ring_position > meter_ring_end(x->meter))
		x->turn.ring_position = position;
	meter_ring_release(x->meter, x->turn.ring_position);
	return 0;
}

static void close_ledger(struct exports *x)
{
	ledger_close(x->ledger);
	x->ledger = NULL;
	harvest_close(&x->harvest);
}

static bool same_options(const struct export_options *a, const struct export_options *b)
{
	return text_same(a->to, b->to) && a->template_refresh_ns == b->template_refresh_ns &&
	       a->options_refresh_ns == b->options_refresh_ns && a->rotate_ns == b->rotate_ns &&
	       a->template_messages == b->template_messages && a->domain == b->domain &&
	       a->message_bytes == b->message_bytes && a->queue == b->queue &&
	       a->rotate_bytes == b->rotate_bytes && a->biflow == b->biflow &&
	       text_same(a->ca, b->ca) && text_same(a->cert, b->cert) && text_same(a->key, b->key);
}

/* The mark that was committed last for the queue of `to`, if any was. */
static const struct queue_mark *recovered_mark(const struct exports *x, const char *to)
{
	char path[PATH_MAX];
	struct queue_view view;

	if (!x->folder)
		return NULL;
	exporter_path(x->folder, to, path, sizeof(path));
	if (queue_peek(path, &view, NULL))
		return NULL;
	for (int i = 0; i < EXPORTS_MAX; i++)
		if (x->turn.mark[i].file == view.mark.file)
			return &x->turn.mark[i];
	return NULL;
}

/* How many records stay unsent. What it was opened with goes to `options`, or nowhere. */
static __u64 close_one(struct exports *x, int i, __u64 deadline_ns, struct export_options *options)
{
	__u64 unsent = exporter_close(x->exporter[i], deadline_ns);

	if (options)
		*options = x->options[i];
	else
		export_options_free(&x->options[i]);
	x->options[i] = (struct export_options){};
	x->exporter[i] = NULL;
	x->stuck[i] = false;
	x->count--;
	return unsent;
}

static int open_one(struct exports *x, struct export_options *options, const struct speaker *to)
{
	struct why err = {};
	int i = 0, code;

	while (x->exporter[i])
		i++;
	x->options[i] = *options;
	code = exporter_open(&x->options[i], &x->about, x->folder, recovered_mark(x, options->to),
			     &x->exporter[i], &err);
	if (err.text[0])
		say(to, "%s", err.text);
	if (code) {
		x->exporter[i] = NULL;
		memset(&x->options[i], 0, sizeof(x->options[i]));
		return code;
	}
	*options = (struct export_options){};
	x->count++;
	return 0;
}

/* Which exporter has this address, or EXPORTS_MAX. */
static int find(const struct exports *x, const char *to)
{
	int i = 0;

	while (i < EXPORTS_MAX && !(x->exporter[i] && text_same(x->options[i].to, to)))
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
static int want_one(struct exports *x, struct export_options *options, const struct speaker *to)
{
	struct export_options before = {};
	int i = find(x, options->to), code;

	if (i < EXPORTS_MAX && same_options(&x->options[i], options))
		return 0;
	if (i < EXPORTS_MAX)
		close_one(x, i, 0, &before);
	code = open_one(x, options, to);
	if (code && before.to && !open_one(x, &before, to))
		say(to, "%s: goes on as it was", options->to);
	export_options_free(&before);
	return code;
}

/* The most flows that a turn makes. */
static void set_turn_room(struct exports *x)
{
	x->turn_room = EXPORTS_TURN_MAX;
	for (int i = 0; i < EXPORTS_MAX; i++)
		if (x->exporter[i] && x->options[i].queue < x->turn_room)
			x->turn_room = x->options[i].queue;
}

/* What waits for exporters that the configuration no longer names. */
static void forget(struct exports *x, const struct speaker *to)
{
	struct queue_count lost = {};

	if (!x->folder)
		return;
	exporter_forget(x->folder, x->options, EXPORTS_MAX, &lost);
	if (lost.records)
		say(to, "%llu records waited for exporters that are not in the configuration: lost",
		    lost.records);
}

int exports_apply(struct exports *x, struct config *config, exports_say_fn *say_fn, void *context)
{
	const struct speaker to = {say_fn, context};
	const __u64 deadline_ns = meter_now() + REMOVED_NS;
	int code = 0;

	x->about.context = x;
	x->about.interface = tell_interface;
	x->about.statistics = tell_statistics;
	x->about.distinct = exports_tell_distinct;
	x->about.clock_ns = x->folder ? NULL : &x->clock_ns;
	exports_follow_clock(x);
	/* Other queries may run now. */
	x->distinct_ns = 0;
	x->tells_distinct = exports_can_tell_distinct(config);
	exports_follow_distinct(x);
	if (config->export_count && !x->ledger)
		code = open_ledger(x, &to);
	if (code)
		return code;
	for (int i = 0; i < EXPORTS_MAX; i++)
		if (x->exporter[i] && !is_named(config, x->options[i].to))
			close_one(x, i, deadline_ns, NULL);
	for (unsigned int i = 0; i < config->export_count; i++) {
		int err = want_one(x, &config->exports[i], &to);

		code = code ? code : err;
	}
	set_turn_room(x);
	if (!code)
		forget(x, &to);
	if (!x->count && x->ledger)
		close_ledger(x);
	return code;
}

void exports_close(struct exports *x, __u64 deadline_ns, exports_say_fn *say_fn, void *context)
{
	const struct speaker to = {say_fn, context};

	for (int i = 0; i < EXPORTS_MAX; i++) {
		struct export_options options;
		__u64 unsent;

		if (!x->exporter[i])
			continue;
		unsent = close_one(x, i, deadline_ns, &options);
		if (unsent && x->folder)
			say(&to, "%s: %llu records were not sent; they wait in %s for the next run",
			    options.to, unsent, x->folder);
		else if (unsent)
			say(&to, "%s: %llu records could not be sent", options.to, unsent);
		export_options_free(&options);
	}
	if (x->ledger)
		close_ledger(x);
}

void exports_remove_ledger(void)
{
	unlink(LEDGER_PATH);
}
