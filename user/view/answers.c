// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "view/answers.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/time_text.h"
#include "view/json.h"
#include "view/text.h"

#define MILLION 1000000
#define NAMED 3   /* missing hosts that a table names; the others are counted */
#define LISTED 64 /* that JSON names: thousands, each second, would hold up the coordinator */

/* --- JSON ------------------------------------------------------------------------------ */

/* Thousandths of counts in `seconds` to millionths per second, down or up. */
static __int128 per_second(__int128 thousandths, __u64 seconds, bool up)
{
	const __int128 scaled = thousandths * (MILLION / INTERVAL_ONE);
	__int128 whole = scaled / (__int128)seconds, rest = scaled % (__int128)seconds;

	if (up)
		return whole + (rest > 0);
	return whole - (rest < 0);
}

/* A double has 15 digits. Where there are more, it lies outside of the true number, and so it does
 * where its 16 digits, as they are printed, would lie inside: 8.8 as 8.800000000000001. */
static json_t *number(__int128 millionths, bool up)
{
	double value = (double)millionths / MILLION;
	long double inside;
	char text[32];

	if (fabs((double)millionths) >= 1e15)
		return json_real(value + (up ? 1e-15 : -1e-15) * fabs(value));
	snprintf(text, sizeof(text), "%.16g", value);
	inside = strtold(text, NULL) * MILLION - (long double)millionths;
	if ((up ? -inside : inside) > 1e-17L * fabs((double)millionths))
		value = nextafter(value, up ? INFINITY : -INFINITY);
	return json_real(value);
}

json_t *answers_missing_json(__u32 host, const char *name, __s64 since, const char *why)
{
	json_t *all = json_pack("{s:I, s:o, s:o}", "host", (json_int_t)host, "name",
				json_text_or_null(name), "why", json_text_or_null(why));

	if (all && json_set_time(all, "since", since * WEIR_NS_PER_SEC, 0)) {
		json_decref(all);
		return NULL;
	}
	return all;
}

static json_t *missing_json(const struct coordinator_answer *answer)
{
	json_t *list = json_array();

	for (__u32 i = 0; i < answer->part_count && json_array_size(list) < LISTED; i++) {
		const struct coordinator_part *p = &answer->parts[i];

		if (p->missing)
			json_add(&list, answers_missing_json(p->host, p->name, p->since, p->why));
	}
	return list;
}

static void add_numbers(json_t *all, const struct coordinator_answer *a)
{
	const bool avg = a->ask->aggregate == COORDINATOR_AVG;
	const __u64 seconds = (__u64)a->query->window_s * (avg ? a->present : 1);
	static const char *const names[] = {"low", "high", "width", "precision"};

	if (!a->present) {
		for (int i = 0; i < 4; i++)
			json_object_set_new(all, names[i], json_null());
		return;
	}
	json_object_set_new(all, "low", number(per_second(a->low, seconds, false), false));
	json_object_set_new(all, "high", number(per_second(a->high, seconds, true), true));
	json_object_set_new(all, "width",
			    number(per_second((__int128)a->high - a->low, seconds, true), true));
	json_object_set_new(all, "precision", number(per_second(a->budget, seconds, true), true));
}

/* Null: it is not known. */
static json_t *covered_json(const struct coordinator_answer *a)
{
	const __s64 lived_s = a->tick > a->counted_since ? a->tick - a->counted_since : 0;

	if (!a->counted_since)
		return json_null();
	return json_seconds(lived_s < (__s64)a->query->window_s ? lived_s : a->query->window_s);
}

json_t *answers_json(const struct coordinator_answer *a)
{
	char unit[INTERVAL_NAME_BYTES + 8];
	json_t *all, *missing = missing_json(a);

	snprintf(unit, sizeof(unit), "%s/s", a->query->measure);
	all = json_pack("{s:s, s:s, s:s, s:s, s:i, s:o}", "answer", a->ask->name, "query",
			a->query->name, "aggregate",
			a->ask->aggregate == COORDINATOR_AVG ? "avg" : "sum", "unit", unit,
			"window_s", (int)a->query->window_s, "covered_s", covered_json(a));
	if (!all || !missing || json_set_time(all, "as_of", a->tick * WEIR_NS_PER_SEC, 0)) {
		json_decref(all);
		json_decref(missing);
		return NULL;
	}
	add_numbers(all, a);
	json_object_set_new(all, "present", json_integer(a->present));
	json_object_set_new(all, "missing", missing);
	json_object_set_new(all, "missing_count", json_integer(a->missing));
	json_object_set_new(all, "complete", json_boolean(!a->missing));
	json_object_set_new(all, "precise", json_boolean(a->precise));
	return all;
}

json_t *answers_host_json(const struct coordinator_host *h)
{
	json_t *all = json_pack("{s:I, s:o, s:b, s:i, s:I, s:I}", "host", (json_int_t)h->host,
				"name", json_text_or_null(h->name), "here", (int)h->here, "skew_ms",
				(int)h->skew_ms, "updates", (json_int_t)h->updates, "grants",
				(json_int_t)h->grants);

	if (all && json_set_time(all, "since", h->since * WEIR_NS_PER_SEC, 0)) {
		json_decref(all);
		return NULL;
	}
	return all;
}

/* --- Tables ---------------------------------------------------------------------------- */

/* "" for null; "?" where there is none: it may come from another weir. */
static const char *text_of(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	return json_is_null(value) ? "" : json_is_string(value) ? json_string_value(value) : "?";
}

static json_int_t integer_of(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

/* Of a time, its seconds; 0: never. */
static time_t time_of(const json_t *object, const char *key_ns)
{
	return integer_of(object, key_ns) / (json_int_t)WEIR_NS_PER_SEC;
}

/* As many decimals as six figures leave room for, away from the middle. */
static const char *rounded(const json_t *object, const char *key, bool up, char out[32])
{
	const json_t *value = json_object_get(object, key);
	double number = json_number_value(value), unit;
	int decimals = 6;

	if (!json_is_number(value)) {
		snprintf(out, 32, "-");
		return out;
	}
	for (double n = fabs(number); n >= 1 && decimals > 0; n /= 10)
		decimals--;
	unit = pow(10, decimals);
	/* A millionth stays as it is: rounding it again could move it by one. */
	if (decimals < 6)
		number = (up ? ceil(number * unit - 1e-9) : floor(number * unit + 1e-9)) / unit;
	snprintf(out, 32, "%.*f", decimals, number);
	return out;
}

/* "host 3 (web.example) since 12:34:56, host 4 (db), never here, and 7 others". */
static void print_missing(const json_t *answer, FILE *out)
{
	const json_t *list = json_object_get(answer, "missing");
	const size_t count = integer_of(answer, "missing_count");

	for (size_t i = 0; i < json_array_size(list) && i < NAMED; i++) {
		const json_t *m = json_array_get(list, i);
		const char *name = text_of(m, "name"), *why = text_of(m, "why");
		char clock[TEXT_TIME_BYTES];

		fprintf(out, "%shost %lld", i ? ", " : "", (long long)integer_of(m, "host"));
		if (*name)
			fprintf(out, " (%s)", name);
		if (json_is_integer(json_object_get(m, "since_ns")))
			fprintf(out, " since %s", text_clock(time_of(m, "since_ns"), clock));
		else if (!*why)
			fputs(", never here", out);
		if (*why)
			fprintf(out, ": %s", why);
	}
	if (count > NAMED)
		fprintf(out, ", and %zu others", count - NAMED);
}

/* "60 s", "14 of 60 s", "? of 60 s"; "-": nobody is there. */
static const char *over(const json_t *answer, char out[TIME_SPAN_BYTES])
{
	const json_t *covered = json_object_get(answer, "covered_s");
	const json_int_t window_s = integer_of(answer, "window_s");

	if (!integer_of(answer, "present"))
		return "-";
	if (json_is_number(covered))
		return time_span(json_number_value(covered), window_s, out);
	snprintf(out, TIME_SPAN_BYTES, "? of %lld s", (long long)window_s);
	return out;
}

void answers_head(FILE *out, const char *eol)
{
	fprintf(out, "%-16s %12s %12s %10s %10s %-9s %10s %5s %-8s%s", "answer", "low", "high",
		"width", "precision", "unit", "over", "hosts", "as of", eol);
}

void answers_row(const json_t *a, FILE *out, const char *eol)
{
	char low[32], high[32], width[32], precision[32], clock[TEXT_TIME_BYTES];
	char span[TIME_SPAN_BYTES];

	fprintf(out, "%-16.16s %12s %12s %10s %10s %-9.9s %10s %5lld %-8s%s", text_of(a, "answer"),
		rounded(a, "low", false, low), rounded(a, "high", true, high),
		rounded(a, "width", true, width), rounded(a, "precision", true, precision),
		text_of(a, "unit"), over(a, span), (long long)integer_of(a, "present"),
		text_clock(time_of(a, "as_of_ns"), clock), eol);
	if (json_is_false(json_object_get(a, "complete"))) {
		fputs("  incomplete: ", out);
		print_missing(a, out);
		fputs(eol, out);
	} else if (json_is_false(json_object_get(a, "precise"))) {
		fprintf(out, "  wider than it should be yet%s", eol);
	}
}

void answers_hosts_head(FILE *out, const char *eol)
{
	fprintf(out, "%-10s %-24s %-7s %-19s %8s %12s %12s%s", "host", "name", "", "since",
		"skew ms", "updates", "grants", eol);
}

void answers_hosts_row(const json_t *h, FILE *out, const char *eol)
{
	char text[TEXT_TIME_BYTES] = "never here";

	if (json_is_integer(json_object_get(h, "since_ns")))
		text_date(time_of(h, "since_ns"), text);
	fprintf(out, "%-10lld %-24.24s %-7s %-19s %8lld %12lld %12lld%s",
		(long long)integer_of(h, "host"), text_of(h, "name"),
		json_is_true(json_object_get(h, "here")) ? "here" : "missing", text,
		(long long)integer_of(h, "skew_ms"), (long long)integer_of(h, "updates"),
		(long long)integer_of(h, "grants"), eol);
}

void answers_line(const json_t *a, FILE *out)
{
	const json_int_t present = integer_of(a, "present");
	char low[32], high[32], width[32], precision[32], clock[TEXT_TIME_BYTES];
	char span[TIME_SPAN_BYTES];

	fprintf(out, "%s %s: ", text_clock(time_of(a, "as_of_ns"), clock), text_of(a, "answer"));
	if (!present)
		fputs("nothing is known", out);
	else
		fprintf(out, "%s to %s %s, width %s of %s, %s of %lld host%s over %s",
			rounded(a, "low", false, low), rounded(a, "high", true, high),
			text_of(a, "unit"), rounded(a, "width", true, width),
			rounded(a, "precision", true, precision), text_of(a, "aggregate"),
			(long long)present, present == 1 ? "" : "s", over(a, span));
	if (json_is_false(json_object_get(a, "complete"))) {
		fputs("; incomplete: ", out);
		print_missing(a, out);
	} else if (json_is_false(json_object_get(a, "precise"))) {
		fputs("; wider than it should be yet", out);
	}
	putc('\n', out);
}
