// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Reading a log of intervals, and checking it on the way.
 *
 *   "Q2-5 0.083333 0.020000 5"   kept, until
 *   "Q2-all 0.533333 0.200000 5" comes: both take effect, and the sum is compared
 *
 * A reader keeps each answer's hosts and their last records, as the writer does, and adds them up:
 * a record of all that does not fit the sum is an error with its line. Values are kept in
 * millionths, as they are printed, so that sums do not drift. A pair that a crash cut in two at the
 * end of the file is left out, and said to be (`torn`).
 *
 * The caller hears of an answer once for each second in which it changed, after the last record of
 * that second.
 */
#include "interval/log.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/search.h"

#define LINE_SHOWN 60
#define VALUE_MAX 1e18 /* of a centre or width, so that sums of millionths stay in range */
#define SECOND_MAX 9999999999ll

struct record {
	char name[INTERVAL_NAME_BYTES]; /* of the answer */
	bool all;
	__u32 host;
	double centre, width;
	__s64 second;
};

struct answer_state {
	char name[INTERVAL_NAME_BYTES];
	struct interval_log_host *host; /* rising */
	unsigned int hosts, infinite;
	__s64 second;
	__int128 centre, width; /* millionths; width: of those that are not infinite */
	bool changed;
};

struct log_reader {
	const char *path;
	unsigned long line;
	struct interval_log_summary *summary;
	int (*fn)(void *context, const struct interval_log_state *state);
	void *context;
	struct answer_state *answer;
	unsigned int answers;
	__s64 second; /* of the last record */
	bool pending; /* the host's record below waits for that of all */
	struct record half;
	struct why *why;
};

__attribute__((format(printf, 2, 3))) static int refuse(struct log_reader *r, const char *format,
							...)
{
	struct why what;
	va_list args;

	va_start(args, format);
	why_vset(&what, 0, format, args);
	va_end(args);
	return why_set(r->why, -EBADMSG, "%.300s:%lu: %s", r->path, r->line, what.text);
}

/* --- Lines ----------------------------------------------------------------------------- */

static bool parse_number(const char *text, double *out)
{
	char *end;

	*out = strtod(text, &end);
	return *text && !*end && !isnan(*out);
}

static bool parse_host(const char *text, struct record *out)
{
	unsigned long host;
	char *end;

	out->all = !strcmp(text, "all");
	if (out->all)
		return true;
	host = strtoul(text, &end, 10);
	out->host = host;
	return *text >= '0' && *text <= '9' && !*end && host <= 0xffffffff;
}

static bool parse_record(char *line, struct record *out)
{
	char *save = NULL, *word[5] = {0}, *dash, *end;
	int words = 0;

	for (char *w = strtok_r(line, " \t\r", &save); w && words < 5;
	     w = strtok_r(NULL, " \t\r", &save))
		word[words++] = w;
	dash = words == 4 ? strrchr(word[0], '-') : NULL;
	if (!dash || dash == word[0] || dash - word[0] >= (long)sizeof(out->name))
		return false;
	*dash = '\0';
	strcpy(out->name, word[0]);
	errno = 0;
	out->second = strtoll(word[3], &end, 10);
	return *word[3] >= '0' && *word[3] <= '9' && !*end && !errno && parse_host(dash + 1, out) &&
	       parse_number(word[1], &out->centre) && parse_number(word[2], &out->width) &&
	       out->second <= SECOND_MAX && fabs(out->centre) <= VALUE_MAX && out->width >= 0 &&
	       (isinf(out->width) || out->width <= VALUE_MAX);
}

/* "Start: Nov 22, 2026 00:00:00"; what is no time is no matter. */
static void parse_header(struct log_reader *r, const char *line)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	char key[8], month[4];
	struct tm utc = {0};
	const char *found;

	if (sscanf(line, "%7[A-Za-z]: %3s %2d, %4d %2d:%2d:%2d", key, month, &utc.tm_mday,
		   &utc.tm_year, &utc.tm_hour, &utc.tm_min, &utc.tm_sec) != 7)
		return;
	found = strlen(month) == 3 ? strstr(months, month) : NULL;
	if (!found)
		return;
	utc.tm_mon = (found - months) / 3;
	utc.tm_year -= 1900;
	if (!strcmp(key, "Start"))
		r->summary->start = timegm(&utc);
	else if (!strcmp(key, "End"))
		r->summary->end = timegm(&utc);
}

/* --- States ---------------------------------------------------------------------------- */

static int tell(struct log_reader *r, struct answer_state *a)
{
	const struct interval_log_state state = {
		.answer = a->name,
		.tick = r->summary->start + a->second,
		.centre = (double)a->centre / 1e6,
		.width = a->infinite ? INFINITY : (double)a->width / 1e6,
		.hosts = a->host,
		.host_count = a->hosts,
	};

	a->changed = false;
	return r->fn ? r->fn(r->context, &state) : 0;
}

static int tell_all(struct log_reader *r)
{
	int code = 0;

	for (unsigned int i = 0; i < r->answers && !code; i++) {
		if (r->answer[i].changed)
			code = tell(r, &r->answer[i]);
	}
	return code;
}

static struct answer_state *find_answer(struct log_reader *r, const char *name)
{
	struct answer_state *more;

	for (unsigned int i = 0; i < r->answers; i++) {
		if (!strcmp(r->answer[i].name, name))
			return &r->answer[i];
	}
	more = realloc(r->answer, (r->answers + 1) * sizeof(*more));
	if (!more)
		return NULL;
	r->answer = more;
	more += r->answers++;
	*more = (struct answer_state){0};
	strcpy(more->name, name);
	return more;
}

/* Its record, made with zeros where there is none. */
static struct interval_log_host *find_host(struct answer_state *a, __u32 host)
{
	const unsigned int at = search_first(a->hosts, i, a->host[i].host >= host);
	struct interval_log_host *more;

	if (at < a->hosts && a->host[at].host == host)
		return &a->host[at];
	more = realloc(a->host, (a->hosts + 1) * sizeof(*more));
	if (!more)
		return NULL;
	a->host = more;
	memmove(more + at + 1, more + at, (a->hosts - at) * sizeof(*more));
	a->hosts++;
	more[at] = (struct interval_log_host){.host = host};
	return &more[at];
}

static __int128 millionths(double value)
{
	return isinf(value) ? 0 : (__int128)rint(value * 1e6);
}

static bool near(__int128 sum, double said, unsigned int hosts)
{
	double away = fabs((double)(sum - millionths(said)));

	/* A millionth for each host, and what doubles of that size cannot tell. */
	return away <= hosts + fabs((double)sum) * 1e-15;
}

/* The host's record in r->half, with that of all. */
static int apply(struct log_reader *r, const struct record *all)
{
	const struct record *is = &r->half;
	struct answer_state *a = find_answer(r, is->name);
	struct interval_log_host *was = a ? find_host(a, is->host) : NULL;

	if (!was)
		return -ENOMEM;
	a->centre += millionths(is->centre) - millionths(was->centre);
	a->width += millionths(is->width) - millionths(was->width);
	a->infinite += isinf(is->width);
	a->infinite -= isinf(was->width);
	was->centre = is->centre;
	was->width = is->width;
	a->second = is->second;
	a->changed = true;
	if (!near(a->centre, all->centre, a->hosts))
		return refuse(r, "the centre of %s-all is %f, of its hosts %f", a->name,
			      all->centre, (double)a->centre / 1e6);
	if (!isinf(all->width) != !a->infinite ||
	    (!a->infinite && !near(a->width, all->width, a->hosts)))
		return refuse(r, "the width of %s-all is %f, of its hosts %f", a->name, all->width,
			      a->infinite ? INFINITY : (double)a->width / 1e6);
	return 0;
}

static int take_all(struct log_reader *r, const struct record *record)
{
	if (!r->pending)
		return refuse(r, "%s-all follows no record of a host", record->name);
	if (strcmp(record->name, r->half.name) || record->second != r->half.second)
		return refuse(r, "expected %s-all of second %lld", r->half.name, r->half.second);
	r->pending = false;
	r->summary->records += 2;
	return apply(r, record);
}

static int take_host(struct log_reader *r, const struct record *record)
{
	const struct answer_state *a;
	int code = 0;

	if (r->pending)
		return refuse(r, "expected %s-all of second %lld", r->half.name, r->half.second);
	if (record->second != r->second)
		code = tell_all(r);
	if (code)
		return code;
	a = find_answer(r, record->name);
	if (!a)
		return -ENOMEM;
	if (record->second < a->second)
		return refuse(r, "second %lld of %s comes after second %lld", record->second,
			      record->name, a->second);
	r->second = record->second;
	r->half = *record;
	r->pending = true;
	return 0;
}

static int take_line(struct log_reader *r, char *line)
{
	char shown[LINE_SHOWN];
	struct record record;

	snprintf(shown, sizeof(shown), "%s", line);
	for (char *c = shown; *c; c++) {
		if ((unsigned char)*c < ' ' || (unsigned char)*c >= 127)
			*c = '?';
	}
	if (!r->answers)
		parse_header(r, line);
	if (parse_record(line, &record))
		return record.all ? take_all(r, &record) : take_host(r, &record);
	return r->answers ? refuse(r, "'%s' is no record", shown) : 0;
}

static int read_lines(struct log_reader *r, FILE *file)
{
	char *line = NULL;
	size_t room = 0;
	ssize_t length;
	int code = 0;

	while (!code && (length = getline(&line, &room, file)) > 0) {
		r->line++;
		r->summary->torn = line[length - 1] != '\n';
		if (r->summary->torn)
			break;
		line[length - 1] = '\0';
		if (strlen(line) + 1 != (size_t)length)
			code = refuse(r, "a zero byte is no text");
		else
			code = take_line(r, line);
	}
	if (!code && ferror(file))
		code = why_set(r->why, -EIO, "%.400s: %s", r->path, strerror(EIO));
	free(line);
	return code;
}

int interval_log_read(const char *path, int (*fn)(void *, const struct interval_log_state *),
		      void *context, struct interval_log_summary *out, struct why *why)
{
	struct interval_log_summary summary = {0};
	struct log_reader r = {
		.path = path, .summary = &summary, .fn = fn, .context = context, .why = why};
	FILE *file = fopen(path, "re");
	int code = file ? 0 : -errno;

	if (!file)
		return why_set(why, code, "%.400s: %s", path, strerror(-code));
	code = read_lines(&r, file);
	if (!code)
		code = tell_all(&r);
	summary.torn |= r.pending;
	if (!code)
		*out = summary;
	else if (code == -ENOMEM)
		why_set(why, code, "%.400s: %s", path, strerror(ENOMEM));
	for (unsigned int i = 0; i < r.answers; i++)
		free(r.answer[i].host);
	free(r.answer);
	fclose(file);
	return code;
}
