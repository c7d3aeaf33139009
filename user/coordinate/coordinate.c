// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * weir coordinate: take what hosts say, and answer, until stopped.
 *
 *   SIGINT, SIGTERM  close what is open, print the totals
 *   SIGHUP           read the configuration again; an error in it changes nothing
 *   SIGKILL          hosts come again to the next run, and the log is valid as it is
 *
 * One thread, one loop. Whatever happened in a turn, all that follows from it is done before the
 * next wait, in this order:
 *
 *   guests say the rest ─→ the engine's turn ─→ grants go out ─→ the log, the parent ─→ print
 *
 * A reload makes everything new first (the plan, the log, the certificates) and only then lets go of
 * the old, so that what cannot be had leaves all as it was.
 */
#include "coordinate/coordinate.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/loop.h"
#include "base/text.h"
#include "coordinate/picture.h"
#include "coordinate/plan.h"
#include "net/local.h"

#define SWEEP_NS (250 * NS_PER_MS)

struct coordinate {
	struct coordinate_options options;
	struct config config;
	struct loop *loop;
	struct loop_timer sweep;
	struct loop_timer due; /* the engine's: settle() takes its turn */
	struct steady clock;
	__u64 start_ns;
	struct notes notes;
	struct refusals refusals;

	struct coordinator *engine;
	struct guests *guests;
	struct door *door;
	struct latest *latest;
	struct parent *parent;
	struct local *local;
};

/* --- The engine's answers and grants --------------------------------------------------- */

static void send_grant(void *context, __u32 session, const struct interval_grant *grant)
{
	const struct coordinate *c = context;

	guests_grant(c->guests, session, grant);
}

static void take_answer(void *context, const struct coordinator_answer *answer)
{
	const struct coordinate *c = context;

	latest_take(c->latest, answer);
	parent_take(c->parent, answer);
}

/* --- What is printed and served -------------------------------------------------------- */

static int take_picture(struct coordinate *c, struct picture *out, bool hosts)
{
	const struct picture_of of = {
		.config = &c->config.coordinate,
		.engine = c->engine,
		.door = c->door,
		.guests = c->guests,
		.latest = c->latest,
		.parent = c->parent,
		.refusals = &c->refusals,
		.notes = &c->notes,
	};
	int code = picture_take(out, &of, hosts);

	out->snapshot.now_ns = steady_now(&c->clock);
	out->snapshot.start_ns = c->start_ns;
	return code;
}

static int serve(void *context, FILE *out)
{
	struct picture picture;
	int code = take_picture(context, &picture, true);

	if (code)
		return code;
	code = answers_screen_serve(&picture.snapshot, out);
	picture_free(&picture);
	return code;
}

/* Without memory this second is not printed. -EIO: nobody reads along any more. */
static int print(struct coordinate *c)
{
	struct picture picture;
	int code;

	if (c->options.quiet || take_picture(c, &picture, false))
		return 0;
	code = answers_screen_print(&picture.snapshot, c->options.output);
	picture_free(&picture);
	return code;
}

static void print_totals(struct coordinate *c)
{
	struct picture picture;

	if (take_picture(c, &picture, false))
		return;
	answers_screen_totals(&picture.snapshot, c->options.output);
	picture_free(&picture);
}

/* --- The configuration ----------------------------------------------------------------- */

static int load_config(struct coordinate *c, struct config *out)
{
	struct why why = {};
	int code = config_load(config_path(c->options.config_path), out, &why);

	if (code)
		notes_warn(&c->notes, "%s", why_text(&why, code));
	return code;
}

static bool same_doors(const struct config_coordinate *a, const struct config_coordinate *b)
{
	if (a->listen_count != b->listen_count)
		return false;
	for (unsigned int i = 0; i < a->listen_count; i++) {
		if (!text_same(a->listen[i].text, b->listen[i].text))
			return false;
	}
	return text_same(a->socket, b->socket);
}

/* What a configuration needs that may not be there. */
struct needs {
	struct interval_log *log;   /* NULL: it has none */
	struct secure_context *tls; /* NULL: no listener uses it */
};

static void let_go(struct needs *needs)
{
	interval_log_close(needs->log);
	secure_context_free(needs->tls);
}

static int open_log(struct coordinate *c, const struct config_coordinate *config,
		    struct interval_log **out)
{
	struct why why = {};

	*out = config->log ? interval_log_open(config->log, &why) : NULL;
	if (*out || !config->log)
		return 0;
	notes_warn(&c->notes, "log: %s", why.text);
	return -EIO;
}

static int check_parent(struct coordinate *c, const struct config_coordinate *config)
{
	struct why why = {};
	int code = config->parent.address.text ? uplink_check(&config->parent, &why) : 0;

	if (code)
		notes_warn(&c->notes, "parent: %s", why.text);
	return code;
}

/* 0, or a negative errno after a line. */
static int find_needs(struct coordinate *c, const struct config_coordinate *config,
		      struct needs *out)
{
	int code = door_try_tls(c->door, config, &out->tls);

	out->log = NULL;
	code = code ? code : check_parent(c, config);
	code = code ? code : open_log(c, config, &out->log);
	if (code)
		secure_context_free(out->tls);
	return code;
}

/* 0: sessions go on; 1: the engine has ended them; -ENOMEM: nothing has changed. */
static int replan(struct coordinate *c, const struct config *config)
{
	struct latest_answer *last;
	struct coordinate_plan plan;
	int code = coordinate_plan_make(config, &plan);

	if (code)
		return code;
	last = latest_room(plan.plan.ask_count);
	code = last ? coordinator_replan(c->engine, &plan.plan, steady_now(&c->clock)) : -ENOMEM;
	if (code >= 0)
		latest_expect(c->latest, last, plan.plan.ask_count);
	else
		free(last);
	coordinate_plan_free(&plan);
	return code;
}

/* Certificates are read again: they are renewed under their names. Connections keep theirs. */
static void follow(struct coordinate *c, const char *path, const struct config *config,
		   struct needs *needs)
{
	const bool same_door = same_doors(&c->config.coordinate, &config->coordinate);

	if (text_same(c->config.coordinate.log, config->coordinate.log))
		interval_log_close(needs->log);
	else
		latest_use_log(c->latest, needs->log);
	door_use_tls(c->door, needs->tls);
	config_free(&c->config);
	c->config = *config;
	guests_allow(c->guests, c->config.coordinate.connections);
	notes_say(&c->notes, "reloaded %s: %u answers", path, latest_count(c->latest));
	if (!same_door)
		notes_say(&c->notes, "listen and socket take effect at the next start");
	if (parent_apply(c->parent, &c->config))
		notes_warn(&c->notes, "parent: %s", strerror(ENOMEM));
}

static void reload(void *context)
{
	struct coordinate *c = context;
	const char *path = config_path(c->options.config_path);
	struct needs needs;
	struct config config;
	int code;

	if (!path) {
		notes_warn(&c->notes, "no configuration to reload: what was read before stays");
		return;
	}
	if (load_config(c, &config))
		return;
	if (find_needs(c, &config.coordinate, &needs)) {
		config_free(&config);
		return;
	}
	code = replan(c, &config);
	if (code < 0) {
		notes_warn(&c->notes, "%s: %s", path, strerror(-code));
		let_go(&needs);
		config_free(&config);
		return;
	}
	follow(c, path, &config, &needs);
	if (code) {
		notes_say(&c->notes, "rules changed: all hosts must reconnect");
		guests_end_sessions(c->guests);
	}
}

/* --- While it runs --------------------------------------------------------------------- */

static void stop(void *context)
{
	const struct coordinate *c = context;

	loop_stop(c->loop, 0);
}

/* To the loop's clock. */
static __u64 monotonic_of(const struct steady *clock, __u64 unix_ns)
{
	return clock->monotonic_ns + (unix_ns > clock->unix_ns ? unix_ns - clock->unix_ns : 0);
}

static void settle(void *context)
{
	struct coordinate *c = context;
	__u64 now_ns, due_ns;

	guests_turn(c->guests);
	door_settle(c->door);
	now_ns = steady_now(&c->clock);
	due_ns = coordinator_turn(c->engine, now_ns);
	guests_settle(c->guests);
	parent_settle(c->parent);
	if (latest_settle(c->latest, now_ns) && print(c))
		loop_stop(c->loop, 0);
	loop_timer(c->loop, &c->due, monotonic_of(&c->clock, due_ns));
}

static void sweep(void *context, __u64 monotonic_ns)
{
	struct coordinate *c = context;
	const __u64 now_ns = steady_now(&c->clock);

	guests_sweep(c->guests, now_ns);
	refusals_sweep(&c->refusals, now_ns);
	door_sweep(c->door, now_ns);
	loop_timer(c->loop, &c->sweep, monotonic_ns + SWEEP_NS);
}

/* --- Start and stop -------------------------------------------------------------------- */

static int make_parts(struct coordinate *c)
{
	const struct config_coordinate *config = &c->config.coordinate;
	const struct coordinator_sink sink = {c, send_grant, take_answer};
	struct coordinate_plan plan;
	int code = coordinate_plan_make(&c->config, &plan);

	if (code)
		return code;
	c->engine = coordinator_new(&plan.plan, &sink, c->start_ns);
	c->latest = latest_new(&c->clock, &c->notes, plan.plan.ask_count);
	c->parent = parent_new(c->loop, &c->clock, &c->notes, config->socket);
	coordinate_plan_free(&plan);
	return c->engine && c->latest && c->parent ? 0 : -ENOMEM;
}

static int serve_locally(struct coordinate *c)
{
	const struct local_options options = {
		.path = c->config.coordinate.socket,
		.what = "weir coordinate",
		.group = LOCAL_GROUP,
		.patience_ns = LOCAL_PATIENCE_NS,
		.write = serve,
		.context = c,
	};
	struct why why = {};
	int code = local_serve(c->loop, &options, &c->local, &why);

	if (code)
		log_err("%s", why_text(&why, code));
	return code;
}

static int open_door(struct coordinate *c)
{
	const struct guests_setting with = {
		.loop = c->loop,
		.clock = &c->clock,
		.engine = c->engine,
		.refusals = &c->refusals,
		.notes = &c->notes,
	};

	c->guests = guests_new(&with, c->config.coordinate.connections);
	return c->guests ? door_open(&with, c->guests, &c->config.coordinate, &c->door) : -ENOMEM;
}

static int open_log_and_parent(struct coordinate *c)
{
	struct interval_log *log;
	int code = check_parent(c, &c->config.coordinate);

	code = code ? code : open_log(c, &c->config.coordinate, &log);
	if (code)
		return code;
	latest_use_log(c->latest, log);
	return parent_apply(c->parent, &c->config);
}

static int watch(struct coordinate *c)
{
	int code = loop_signal(c->loop, SIGINT, stop, c);

	code = code ? code : loop_signal(c->loop, SIGTERM, stop, c);
	code = code ? code : loop_signal(c->loop, SIGHUP, reload, c);
	if (code) {
		log_err("cannot watch for signals: %s", strerror(-code));
		return code;
	}
	c->sweep = (struct loop_timer){.turn = sweep, .context = c};
	loop_timer(c->loop, &c->sweep, c->clock.monotonic_ns + SWEEP_NS);
	loop_each(c->loop, settle, c);
	return 0;
}

/* A line says why not, but for what the system itself lacks. */
static int start(struct coordinate *c)
{
	int code = make_parts(c);

	code = code ? code : watch(c);
	code = code ? code : serve_locally(c);
	code = code ? code : open_door(c);
	return code ? code : open_log_and_parent(c);
}

static int run(struct coordinate *c)
{
	int code;

	for (unsigned int i = 0; i < door_count(c->door); i++)
		notes_say(&c->notes, "listening at %s", door_address(c->door, i));
	if (c->options.output == OUTPUT_SCREEN) {
		answers_screen_open(&c->notes);
		print(c);
	}
	code = loop_run(c->loop);
	answers_screen_close(&c->notes);
	print_totals(c);
	return code;
}

static void free_parts(struct coordinate *c)
{
	local_end(c->local);
	door_close(c->door);
	guests_free(c->guests);
	parent_free(c->parent);
	latest_free(c->latest);
	if (c->engine)
		coordinator_free(c->engine);
	loop_free(c->loop);
	config_free(&c->config);
}

int coordinate_run(const struct coordinate_options *options)
{
	struct coordinate *c = calloc(1, sizeof(*c));
	int code;

	if (!c) {
		log_err("%s", strerror(ENOMEM));
		return -ENOMEM;
	}
	c->options = *options;
	c->notes.screen = options->output == OUTPUT_SCREEN;
	c->refusals.notes = &c->notes;
	c->start_ns = steady_now(&c->clock);
	code = load_config(c, &c->config);
	if (!code) {
		c->loop = loop_new();
		code = c->loop ? start(c) : -errno;
		if (code == -ENOMEM || !c->loop)
			log_err("%s", strerror(-code));
		code = code ? code : run(c);
		free_parts(c);
	}
	free(c);
	return code;
}
