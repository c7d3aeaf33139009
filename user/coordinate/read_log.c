// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* weir coordinate --read: a log of intervals, at each second at which one changed, or at one. */
#include "coordinate/coordinate.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/time_text.h"
#include "interval/log.h"
#include "view/answers.h"
#include "view/json.h"
#include "view/text.h"

/* An answer's last line until the second that is asked for. */
struct last {
	char name[INTERVAL_NAME_BYTES];
	char *line;
};

struct reading {
	bool json, whole; /* whole: each second is printed */
	__s64 at;         /* else the state then */
	struct last *last;
	unsigned int count;
};

/* Outward: a millionth holds two halves. */
static __s64 millionths(double value, bool up)
{
	/* What a double makes of six printed decimals is off by less than a thousandth of the last
	 * of them, as long as there are no more than twelve before the point. */
	return llrint(up ? ceil(value * 1e6 - 1e-3) : floor(value * 1e6 + 1e-3));
}

/* Of logs that were written before answers had it so, too: a rate is not below 0. */
static __s64 end_of(const struct interval_log_state *s, bool high)
{
	return millionths(fmax(0, s->centre + (high ? s->width : -s->width) / 2), high);
}

static void print_millionths(__s64 value, FILE *out)
{
	fprintf(out, "%lld.%06lld", value / 1000000, value % 1000000);
}

static json_t *missing_json(const struct interval_log_state *s)
{
	json_t *list = json_array();

	for (unsigned int i = 0; i < s->host_count; i++) {
		if (isinf(s->hosts[i].width))
			json_add(&list, answers_missing_json(s->hosts[i].host, NULL, 0, NULL));
	}
	return list;
}

static json_t *end_json(const struct interval_log_state *s, bool high)
{
	return isinf(s->width) ? json_null() : json_real(end_of(s, high) / 1e6);
}

static int print_json(const struct interval_log_state *s, FILE *out)
{
	const bool complete = !isinf(s->width);
	json_t *all = json_pack("{s:s, s:f, s:o, s:o, s:o, s:i, s:o, s:b}", "answer", s->answer,
				"centre", s->centre, "low", end_json(s, false), "high",
				end_json(s, true), "width",
				complete ? json_real(s->width) : json_null(), "host_count",
				(int)s->host_count, "missing", missing_json(s), "complete",
				(int)complete);

	if (!all || json_set_time(all, "as_of", s->tick * WEIR_NS_PER_SEC, 0)) {
		json_decref(all);
		return -ENOMEM;
	}
	return json_line(all, out);
}

static void print_text(const struct interval_log_state *s, FILE *out)
{
	char time[TIME_TEXT_BYTES];
	const char *sign = " ";

	fprintf(out, "%s %s ", time_text(s->tick * WEIR_NS_PER_SEC, 0, time), s->answer);
	if (!isinf(s->width)) {
		print_millionths(end_of(s, false), out);
		fputs(" to ", out);
		print_millionths(end_of(s, true), out);
		fprintf(out, ", %u hosts\n", s->host_count);
		return;
	}
	fputs("incomplete: hosts", out);
	for (unsigned int i = 0; i < s->host_count; i++) {
		if (!isinf(s->hosts[i].width))
			continue;
		fprintf(out, "%s%u", sign, s->hosts[i].host);
		sign = ", ";
	}
	fputs(" are missing\n", out);
}

static struct last *find_last(struct reading *r, const char *name)
{
	struct last *more;

	for (unsigned int i = 0; i < r->count; i++)
		if (!strcmp(r->last[i].name, name))
			return &r->last[i];
	more = realloc(r->last, (r->count + 1) * sizeof(*more));
	if (!more)
		return NULL;
	r->last = more;
	more += r->count++;
	*more = (struct last){};
	snprintf(more->name, sizeof(more->name), "%s", name);
	return more;
}

static int keep(struct reading *r, const struct interval_log_state *state)
{
	struct last *last = find_last(r, state->answer);
	char *line = NULL;
	size_t size;
	FILE *out = last ? open_memstream(&line, &size) : NULL;
	int code = out ? 0 : -ENOMEM;

	if (out && r->json)
		code = print_json(state, out);
	else if (out)
		print_text(state, out);
	if (out && fclose(out))
		code = -ENOMEM;
	if (code) {
		free(line);
		return code;
	}
	free(last->line);
	last->line = line;
	return 0;
}

static int take(void *context, const struct interval_log_state *state)
{
	struct reading *r = context;

	if (!r->whole)
		return state->tick > r->at ? 0 : keep(r, state);
	if (!r->json)
		print_text(state, stdout);
	else if (print_json(state, stdout))
		return -ENOMEM;
	return ferror(stdout) ? -EPIPE : 0;
}

/* The second that is meant, which the log must have. */
static int find_at(const char *path, const struct coordinate_at *at, struct reading *r)
{
	char start[TIME_TEXT_BYTES], end[TIME_TEXT_BYTES];
	struct interval_log_summary summary;
	struct why why = {};
	int code = interval_log_read(path, NULL, NULL, &summary, &why);

	if (code) {
		log_err("%s", why.text);
		return code;
	}
	r->at = at->second + (at->of_start ? summary.start : 0);
	if (r->at < summary.start || (summary.end && r->at > summary.end)) {
		log_err("%s goes from %s to %s", path,
			time_text(summary.start * WEIR_NS_PER_SEC, 0, start),
			time_text(summary.end * WEIR_NS_PER_SEC, 0, end));
		return -ERANGE;
	}
	return 0;
}

int coordinate_read(const char *path, const struct coordinate_at *at, bool json)
{
	struct reading r = {.json = json, .whole = !at};
	struct why why = {};
	struct interval_log_summary summary;
	int code = at ? find_at(path, at, &r) : 0;

	if (code)
		return code;
	code = interval_log_read(path, take, &r, &summary, &why);
	for (unsigned int i = 0; i < r.count; i++) {
		if (!code)
			fputs(r.last[i].line, stdout);
		free(r.last[i].line);
	}
	free(r.last);
	if (ferror(stdout))
		return -EPIPE; /* what it has is said when the process ends */
	if (code)
		log_err("%s", why_text(&why, code));
	else if (summary.torn)
		log_warn("%s: the last record is not whole, and was left out", path);
	return code;
}
