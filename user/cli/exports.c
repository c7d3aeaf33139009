// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "cli/exports.h"

#include <errno.h>
#include <limits.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/folder.h"
#include "cli/text.h"

#define NS_PER_MS 1000000ull
#define LINE_BYTES 1024
#define LEDGER_PATH EXPORTS_DIR "/ledger"
#define HARVEST_ROOM 16384u /* parts merged at once */
#define EVENTS_EACH 8192    /* in a turn */
/* The kernel programs' clock is up to a tick late, and what was in work when a scan began is not
 * when its flow has been over for so long. */
#define MARGIN_NS (100 * NS_PER_MS)
/* A scan a second, but no more than a twentieth of the time. */
#define SCAN_EACH_NS WEIR_NS_PER_SEC
#define SCAN_SHARE 20
/* What is over in the cache is safe there: a scan waits so long for queues that are being emptied,
 * and then leaves the rest to the next. The ring must hold out as long. */
#define SCAN_ROOM_NS (100 * NS_PER_MS)
#define REMOVED_NS (1000 * NS_PER_MS) /* for an exporter that the configuration names no more */

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

/* --- Turns ------------------------------------------------------------------------------- */

static void stage(void *context, const struct flow_ended *flow)
{
	struct exports *x = context;

	for (int i = 0; i < CONFIG_EXPORTS; i++)
		if (x->exporter[i])
			exporter_stage(x->exporter[i], flow);
}

/* For a turn's flows. Who took nothing all the while is not waited for again until it does. */
static void wait_for_room(struct exports *x)
{
	for (int i = 0; i < CONFIG_EXPORTS; i++) {
		__u64 space = x->exporter[i] ? exporter_space(x->exporter[i]) : x->turn_room;
		__u64 began_ns = meter_now();
		__u64 until_ns = x->room_until_ns ? x->room_until_ns : began_ns + x->patience_ns;

		if (space >= x->turn_room)
			x->stuck[i] = false;
		if (space >= x->turn_room || x->stuck[i] ||
		    exporter_wait_space(x->exporter[i], x->turn_room, until_ns))
			continue;
		if (until_ns <= began_ns || exporter_space(x->exporter[i]) > space)
			x->put_off = true;
		else
			x->stuck[i] = true;
	}
}

static void commit(struct exports *x)
{
	harvest_emit(&x->harvest, stage, x);
	memset(x->turn.mark, 0, sizeof(x->turn.mark));
	for (int i = 0; i < CONFIG_EXPORTS; i++)
		if (x->exporter[i])
			exporter_mark(x->exporter[i], &x->turn.mark[i]);
	ledger_commit(x->ledger, &x->turn);
	meter_ring_release(x->meter, x->turn.ring_position);
	for (int i = 0; i < CONFIG_EXPORTS; i++)
		if (x->exporter[i])
			exporter_publish(x->exporter[i]);
	if (x->patience_ns || x->room_until_ns)
		wait_for_room(x);
}

static void add(struct exports *x, __u32 slot, const struct weir_flow *flow,
		const struct weir_pair6 *pair, enum weir_end end, bool stays)
{
	__u32 cpu = slot / (x->meter->sets / x->meter->cpus * WEIR_WAYS), packets;
	struct flow_ended part;
	__u64 bytes;

	/* First: what the ledger notes as taken belongs to the turn that it goes out in. */
	if (x->harvest.parts >= x->turn_room)
		commit(x);
	if (!ledger_take(x->ledger, slot, flow, stays, &packets, &bytes))
		return;
	part = (struct flow_ended){
		.key = flow->key,
		.end = end,
		.tcp_flags = flow->tcp_flags,
		.tos = flow->tos,
		.pair = *pair,
		.start_ns = flow->first_ns + x->offset_ns,
		.end_ns = flow->last_ns + x->offset_ns,
		.packets = packets,
		.bytes = bytes,
	};
	harvest_add(&x->harvest, &part, cpu);
}

static int take_event(void *context, const struct weir_event *event)
{
	struct exports *x = context;

	x->events++;
	if (x->count)
		add(x, event->slot, &event->flow, &event->pair, event->end, false);
	return 0;
}

int exports_drain(struct exports *x)
{
	int taken;

	if (!x->count) {
		taken = meter_ring_drain(x->meter, take_event, x);
		return taken < 0 ? taken : 0;
	}
	do {
		taken = meter_ring_take(x->meter, &x->turn.ring_position, EVENTS_EACH, take_event,
					x);
		if (taken)
			commit(x);
	} while (taken == EVENTS_EACH);
	return taken < 0 ? taken : 0;
}

static int take_over(void *context, __u32 slot, const struct weir_flow *flow,
		     const struct weir_pair6 *pair)
{
	struct exports *x = context;
	enum weir_end end = weir_flow_over(flow, &x->timeouts, x->now_ns, 0);

	if (x->put_off && !x->all)
		return 1;
	if (x->all && !end)
		end = WEIR_END_FORCED;
	if (end)
		add(x, slot, flow, pair, end, true);
	return 0;
}

/*
 * What has left the cache before `now_ns` is taken from the ring first: an incarnation that stands
 * in the cache now may only be written down when the one before it in its slot has been dealt with.
 */
static int scan(struct exports *x, __u64 now_ns, bool all)
{
	int code;

	x->put_off = false;
	code = exports_drain(x);
	if (code || !x->count)
		return code;
	x->now_ns = now_ns;
	x->all = all;
	code = meter_each_flow(x->meter, take_over, x);
	commit(x);
	return code < 0 ? code : 0;
}

/* The time of day may be set; in replay the programs' clock is Unix time as it is. */
static void follow_clock(struct exports *x)
{
	if (x->folder)
		x->offset_ns = text_clock_offset_ns();
}

int exports_turn(struct exports *x)
{
	__u64 now = meter_now(), took;
	int code;

	if (now < x->scan_ns)
		return exports_drain(x);
	follow_clock(x);
	x->room_until_ns = now + SCAN_ROOM_NS;
	code = scan(x, now - MARGIN_NS, false);
	x->room_until_ns = 0;
	took = (meter_now() - now) * SCAN_SHARE;
	x->scan_ns = now + (took > SCAN_EACH_NS ? took : SCAN_EACH_NS);
	return code;
}

int exports_flush(struct exports *x, __u64 now_ns, __u64 room_until_ns)
{
	follow_clock(x);
	x->room_until_ns = room_until_ns;
	if (room_until_ns)
		wait_for_room(x);
	return scan(x, now_ns, true);
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
	char why[LEDGER_WHY_BYTES] = "";
	__u64 position = meter_ring_position(x->meter);
	bool known;
	int code = x->folder ? folder_make_for(LEDGER_PATH) : 0;

	if (code) {
		say(to, "%s: %s", x->folder, strerror(-code));
		return code;
	}
	code = ledger_open(x->folder ? LEDGER_PATH : NULL, meter_identity(x->meter),
			   x->meter->sets * WEIR_WAYS, &x->ledger, &known, why);
	if (code) {
		say(to, "%s", why);
		return code;
	}
	code = harvest_open(&x->harvest, HARVEST_ROOM);
	if (code) {
		say(to, "harvest: %s", strerror(-code));
		ledger_close(x->ledger);
		x->ledger = NULL;
		return code;
	}
	ledger_turn(x->ledger, &x->turn);
	/* Behind: a turn was committed and its events not released. Ahead: who came between exported
	 * nothing, and let the ring go. */
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

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

static bool same_options(const struct config_export *a, const struct config_export *b)
{
	return same_text(a->to, b->to) && a->template_refresh_ns == b->template_refresh_ns &&
	       a->options_refresh_ns == b->options_refresh_ns && a->rotate_ns == b->rotate_ns &&
	       a->template_messages == b->template_messages && a->domain == b->domain &&
	       a->message_bytes == b->message_bytes && a->queue == b->queue &&
	       a->rotate_bytes == b->rotate_bytes && a->biflow == b->biflow &&
	       same_text(a->ca, b->ca) && same_text(a->cert, b->cert) && same_text(a->key, b->key);
}

/* The mark that was committed last for the queue of `to`, if any was. */
static const struct queue_mark *recovered_mark(const struct exports *x, const char *to)
{
	char path[PATH_MAX], why[QUEUE_WHY_BYTES];
	struct queue_view view;

	if (!x->folder)
		return NULL;
	exporter_path(x->folder, to, path, sizeof(path));
	if (queue_peek(path, &view, why))
		return NULL;
	for (int i = 0; i < LEDGER_QUEUES; i++)
		if (x->turn.mark[i].file == view.mark.file)
			return &x->turn.mark[i];
	return NULL;
}

/* How many records stay unsent. What it was opened with goes to `options`, or nowhere. */
static __u64 close_one(struct exports *x, int i, __u64 deadline_ns, struct config_export *options)
{
	__u64 unsent = exporter_close(x->exporter[i], deadline_ns);

	if (options)
		*options = x->options[i];
	else
		config_export_free(&x->options[i]);
	x->options[i] = (struct config_export){};
	x->exporter[i] = NULL;
	x->stuck[i] = false;
	x->count--;
	return unsent;
}

static int open_one(struct exports *x, struct config_export *options, const struct speaker *to)
{
	struct exporter_error err = {};
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
	*options = (struct config_export){};
	x->count++;
	return 0;
}

/* Which exporter has this address, or CONFIG_EXPORTS. */
static int find(const struct exports *x, const char *to)
{
	int i = 0;

	while (i < CONFIG_EXPORTS && !(x->exporter[i] && same_text(x->options[i].to, to)))
		i++;
	return i;
}

static bool is_named(const struct config *config, const char *to)
{
	for (unsigned int i = 0; i < config->export_count; i++)
		if (same_text(config->exports[i].to, to))
			return true;
	return false;
}

/* One that is open with other options goes on with these, in the same queue; when it cannot be
 * opened so, as it was. */
static int want_one(struct exports *x, struct config_export *options, const struct speaker *to)
{
	struct config_export before = {};
	int i = find(x, options->to), code;

	if (i < CONFIG_EXPORTS && same_options(&x->options[i], options))
		return 0;
	if (i < CONFIG_EXPORTS)
		close_one(x, i, 0, &before);
	code = open_one(x, options, to);
	if (code && before.to && !open_one(x, &before, to))
		say(to, "%s: goes on as it was", options->to);
	config_export_free(&before);
	return code;
}

/* The most flows that a turn makes. */
static void set_turn_room(struct exports *x)
{
	x->turn_room = HARVEST_ROOM;
	for (int i = 0; i < CONFIG_EXPORTS; i++)
		if (x->exporter[i] && x->options[i].queue < x->turn_room)
			x->turn_room = x->options[i].queue;
}

/* What waits for exporters that the configuration no longer names. */
static void forget(struct exports *x, const struct speaker *to)
{
	struct queue_count lost = {};

	if (!x->folder)
		return;
	exporter_forget(x->folder, x->options, CONFIG_EXPORTS, &lost);
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
	x->about.clock_ns = x->folder ? NULL : &x->clock_ns;
	follow_clock(x);
	if (config->export_count && !x->ledger)
		code = open_ledger(x, &to);
	if (code)
		return code;
	for (int i = 0; i < CONFIG_EXPORTS; i++)
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

void exports_settle(struct exports *x, __u64 deadline_ns)
{
	for (int i = 0; i < CONFIG_EXPORTS; i++)
		if (x->exporter[i])
			exporter_flush(x->exporter[i], deadline_ns);
}

void exports_each(const struct exports *x, exports_state_fn *fn, void *context)
{
	struct exporter_state state;

	for (int i = 0; i < CONFIG_EXPORTS; i++) {
		if (!x->exporter[i])
			continue;
		exporter_state(x->exporter[i], &state);
		fn(context, &state);
	}
}

static void see_unsent(void *all_sent, const struct exporter_state *state)
{
	if (state->queued.records || state->dropped.records)
		*(bool *)all_sent = false;
}

bool exports_all_sent(const struct exports *x)
{
	bool all_sent = true;

	exports_each(x, see_unsent, &all_sent);
	return all_sent;
}

void exports_close(struct exports *x, __u64 deadline_ns, exports_say_fn *say_fn, void *context)
{
	const struct speaker to = {say_fn, context};

	for (int i = 0; i < CONFIG_EXPORTS; i++) {
		struct config_export options;
		__u64 unsent;

		if (!x->exporter[i])
			continue;
		unsent = close_one(x, i, deadline_ns, &options);
		if (unsent && x->folder)
			say(&to, "%s: %llu records were not sent; they wait in %s for the next run",
			    options.to, unsent, x->folder);
		else if (unsent)
			say(&to, "%s: %llu records could not be sent", options.to, unsent);
		config_export_free(&options);
	}
	if (x->ledger)
		close_ledger(x);
}

void exports_remove_ledger(void)
{
	unlink(LEDGER_PATH);
}

/* --- For people and programs -------------------------------------------------------------- */

void exports_state_text(const struct exporter_state *s, FILE *out, const char *end)
{
	char clock[32];
	time_t at = s->error_ns / WEIR_NS_PER_SEC;
	struct tm local;

	fprintf(out, "%s: %s, sent %llu flows in %llu messages, queued %llu, dropped %llu", s->to,
		exporter_phase_text(s->phase), s->sent.records, s->messages, s->queued.records,
		s->dropped.records);
	if (s->unencodable.records)
		fprintf(out, ", not exportable %llu", s->unencodable.records);
	if (s->error[0]) {
		localtime_r(&at, &local);
		strftime(clock, sizeof(clock), "%F %T", &local);
		fprintf(out, "; last error, %s: %s", clock, s->error);
	}
	fputs(end, out);
}

static json_t *count_json(const struct queue_count *count)
{
	return json_pack("{s:I, s:I, s:I}", "flows", (json_int_t)count->records, "packets",
			 (json_int_t)count->packets, "bytes", (json_int_t)count->bytes);
}

json_t *exports_state_json(const struct exporter_state *s)
{
	return json_pack("{s:s, s:s, s:f, s:I, s:I, s:o, s:o, s:o, s:o, s:I, s:I, s:s?, s:f}", "to",
			 s->to, "state", exporter_phase_text(s->phase), "since",
			 (double)s->since_ns / WEIR_NS_PER_SEC, "messages", (json_int_t)s->messages,
			 "wire_bytes", (json_int_t)s->wire_bytes, "sent", count_json(&s->sent),
			 "queued", count_json(&s->queued), "dropped", count_json(&s->dropped),
			 "not_exportable", count_json(&s->unencodable), "resent",
			 (json_int_t)s->resent, "errors", (json_int_t)s->errors, "last_error",
			 s->error[0] ? s->error : NULL, "last_error_time",
			 (double)s->error_ns / WEIR_NS_PER_SEC);
}

static void add_exporter(void *list, const struct exporter_state *state)
{
	json_array_append_new(list, exports_state_json(state));
}

json_t *exports_json(const struct exports *x)
{
	json_t *list = json_array();

	exports_each(x, add_exporter, list);
	return list;
}
