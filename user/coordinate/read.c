// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* weir coordinate --read: a log of intervals, at each second at which one changed, or at one. */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "view/answers.h"
#include "coordinate/coordinate.h"
#include "view/json.h"
#include "view/text.h"
#include "cli/verbs.h"

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

static void print_millionths(__s64 value, FILE *out)
{
	const __s64 whole = value / 1000000, rest = value % 1000000;

	fprintf(out, "%s%lld.%06lld", value < 0 ? "-" : "", llabs(whole), llabs(rest));
}

static int print_json(const struct interval_log_state *s, FILE *out)
{
	const bool complete = !isinf(s->width);
	char time[ANSWERS_TIME_BYTES];
	json_t *missing = json_array(), *all;

	for (unsigned int i = 0; i < s->host_count; i++)
		if (isinf(s->hosts[i].width))
			json_array_append_new(missing, json_integer(s->hosts[i].host));
	all = json_pack("{s:s, s:I, s:s, s:f, s:i, s:o, s:b}", "name", s->answer, "as_of",
			(json_int_t)s->tick, "as_of_time", answers_time(s->tick, time), "centre",
			s->centre, "hosts", (int)s->host_count, "missing", missing, "complete",
			(int)complete);
	if (!all)
		return -ENOMEM;
	json_object_set_new(all, "low",
			    complete ? json_real(millionths(s->centre - s->width / 2, false) / 1e6)
				     : json_null());
	json_object_set_new(all, "high",
			    complete ? json_real(millionths(s->centre + s->width / 2, true) / 1e6)
				     : json_null());
	json_object_set_new(all, "width", complete ? json_real(s->width) : json_null());
	return json_line(all, out);
}

static void print_text(const struct interval_log_state *s, FILE *out)
{
	char time[ANSWERS_TIME_BYTES];
	const char *sign = " ";

	fprintf(out, "%s %s ", answers_time(s->tick, time), s->answer);
	if (!isinf(s->width)) {
		print_millionths(millionths(s->centre - s->width / 2, false), out);
		fputs(" to ", out);
		print_millionths(millionths(s->centre + s->width / 2, true), out);
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
	if (r->json)
		return print_json(state, stdout);
	print_text(state, stdout);
	return ferror(stdout) ? -EIO : 0;
}

/* Seconds after the start, or "2026-11-22T01:58:29Z". */
static int parse_at(const char *text, const struct interval_log_summary *summary, __s64 *out)
{
	struct tm utc = {};
	char *end = strptime(text, "%Y-%m-%dT%H:%M:%SZ", &utc);

	if (end && !*end) {
		*out = timegm(&utc);
		return 0;
	}
	errno = 0;
	*out = summary->start + strtoll(text, &end, 10);
	return *text < '0' || *text > '9' || *end || errno ? -EINVAL : 0;
}

static int find_at(const char *path, const char *at, struct reading *r)
{
	char why[INTERVAL_LOG_WHY_BYTES], start[ANSWERS_TIME_BYTES], end[ANSWERS_TIME_BYTES];
	struct interval_log_summary summary;

	if (interval_log_read(path, NULL, NULL, &summary, why)) {
		log_err("%s", why);
		return CLI_FAILED;
	}
	if (parse_at(at, &summary, &r->at))
		return options_refuse("coordinate",
				      "--at: '%s' is no number of seconds and no time "
				      "2026-11-22T01:58:29Z",
				      at);
	if (r->at < summary.start || (summary.end && r->at > summary.end)) {
		log_err("%s goes from %s to %s", path, answers_time(summary.start, start),
			answers_time(summary.end, end));
		return CLI_FAILED;
	}
	return CLI_OK;
}

int coordinate_read(const char *path, const char *at, bool json)
{
	struct reading r = {.json = json, .whole = !at};
	char why[INTERVAL_LOG_WHY_BYTES] = "";
	struct interval_log_summary summary;
	int status = at ? find_at(path, at, &r) : CLI_OK, code;

	if (status != CLI_OK)
		return status;
	code = interval_log_read(path, take, &r, &summary, why);
	for (unsigned int i = 0; i < r.count; i++) {
		if (!code)
			fputs(r.last[i].line, stdout);
		free(r.last[i].line);
	}
	free(r.last);
	if (fflush(stdout))
		code = code ? code : -EIO;
	if (code)
		log_err("%s", why[0] ? why : strerror(-code));
	else if (summary.torn)
		log_warn("%s: the last record is not whole, and was left out", path);
	return code ? CLI_FAILED : CLI_OK;
}
