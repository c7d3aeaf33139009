// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "view/answers_screen.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/version.h"
#include "view/answers.h"
#include "view/json.h"
#include "view/page.h"
#include "view/reporting.h"
#include "view/text.h"

static __u64 uptime_s(const struct coordinate_snapshot *s)
{
	return (s->now_ns - s->start_ns) / WEIR_NS_PER_SEC;
}

/* --- JSON ------------------------------------------------------------------------------ */

static json_t *counters_json(const struct coordinate_snapshot *s)
{
	json_t *all = json_object();

	for (unsigned int i = 0; i < s->count_count; i++)
		json_object_set_new(all, s->counts[i].name, json_integer(s->counts[i].count));
	for (unsigned int i = 0; i < s->refusal_count; i++)
		json_object_set_new(all, s->refusals[i].name, json_integer(s->refusals[i].count));
	return all;
}

static json_t *status_json(const struct coordinate_snapshot *s)
{
	json_t *all = json_object();

	if (!all || json_set_time(all, "time", s->now_ns, 6)) {
		json_decref(all);
		return NULL;
	}
	json_object_set_new(all, "uptime_s", json_integer(uptime_s(s)));
	json_object_set_new(all, "hosts_here", json_integer(s->hosts_here));
	json_object_set_new(all, "hosts_missing", json_integer(s->hosts_missing));
	json_object_set_new(all, "received", json_traffic(s->messages_in, s->bytes_in));
	json_object_set_new(all, "sent", json_traffic(s->messages_out, s->bytes_out));
	json_object_set_new(all, "memory_bytes", json_integer(s->memory_bytes));
	json_object_set_new(all, "parent", s->parent ? reporting_json(s->parent) : json_null());
	json_object_set_new(all, "counters", counters_json(s));
	return all;
}

static void print_json(const struct coordinate_snapshot *s, FILE *out)
{
	json_t *all = status_json(s), *answers = json_array();

	for (unsigned int i = 0; i < s->answer_count; i++)
		json_array_append(answers, s->answers[i]);
	json_object_set_new(all, "answers", answers);
	json_line(all, out);
}

int answers_screen_serve(const struct coordinate_snapshot *s, FILE *out)
{
	json_t *all = status_json(s), *hosts = json_array();
	int code;

	for (unsigned int i = 0; i < s->hosts_here + s->hosts_missing; i++)
		json_add(&hosts, answers_host_json(&s->hosts[i]));
	if (json_object_set_new(all, "hosts", hosts)) {
		json_decref(all);
		return -ENOMEM;
	}
	code = json_line(all, out);
	for (unsigned int i = 0; i < s->answer_count && !code; i++)
		code = json_line(json_incref(s->answers[i]), out);
	return code;
}

/* --- Lines, and a terminal ------------------------------------------------------------- */

static void print_lines(const struct coordinate_snapshot *s, FILE *out)
{
	for (unsigned int i = 0; i < s->answer_count; i++)
		answers_line(s->answers[i], out);
	fprintf(out,
		"hosts: %u here, %u missing; in %llu messages %llu bytes, out %llu messages %llu "
		"bytes\n",
		s->hosts_here, s->hosts_missing, s->messages_in, s->bytes_in, s->messages_out,
		s->bytes_out);
}

static void draw_head(const struct coordinate_snapshot *s, FILE *out)
{
	char up[32], clock[TEXT_TIME_BYTES];

	text_uptime(uptime_s(s), up, sizeof(up));
	text_clock(s->now_ns / WEIR_NS_PER_SEC, clock);
	fprintf(out, "weir %s coordinate%*s up %s" PAGE_EOL, WEIR_VERSION,
		(int)(79 - strlen(WEIR_VERSION) - 20 - strlen(up)), clock, up);
	for (unsigned int i = 0; i < s->listener_count; i++)
		fprintf(out, "at %s" PAGE_EOL, s->listeners[i]);
	if (!s->parent)
		return;
	fputs("parent ", out);
	reporting_text(s->parent, out, PAGE_EOL);
}

static void draw_answers(const struct coordinate_snapshot *s, FILE *out)
{
	fputs(PAGE_EOL "\033[1m", out);
	answers_head(out, "\033[0m" PAGE_EOL);
	for (unsigned int i = 0; i < s->answer_count; i++)
		answers_row(s->answers[i], out, PAGE_EOL);
}

static void draw_totals(const struct coordinate_snapshot *s, FILE *out)
{
	fprintf(out, PAGE_EOL "hosts      %u here, %u missing" PAGE_EOL, s->hosts_here,
		s->hosts_missing);
	fprintf(out, "in         %llu messages, %llu bytes" PAGE_EOL, s->messages_in, s->bytes_in);
	fprintf(out, "out        %llu messages, %llu bytes" PAGE_EOL, s->messages_out,
		s->bytes_out);
	for (unsigned int i = 0; i < s->refusal_count; i++) {
		if (s->refusals[i].count)
			fprintf(out, "%10llu %s" PAGE_EOL, s->refusals[i].count,
				s->refusals[i].text);
	}
}

static void draw(const void *context, FILE *part[PAGE_PARTS])
{
	const struct coordinate_snapshot *s = context;

	draw_head(s, part[PAGE_HEAD]);
	draw_answers(s, part[PAGE_QUERIES]);
	draw_totals(s, part[PAGE_TOTALS]);
	notes_draw(s->notes, part[PAGE_NOTES]);
}

void answers_screen_open(struct notes *notes)
{
	page_open();
	notes->drawn = true;
}

void answers_screen_close(struct notes *notes)
{
	if (!notes->drawn)
		return;
	notes->drawn = false;
	page_close();
}

/* Who does not read for a while (^S, a pipe that is full) misses what is printed, and holds up
 * no host. More than a pipe ever holds is printed when it is empty. */
static bool fits(size_t bytes)
{
	struct pollfd out = {.fd = STDOUT_FILENO, .events = POLLOUT};
	const int room = fcntl(STDOUT_FILENO, F_GETPIPE_SZ);
	int waits = 0;

	if (poll(&out, 1, 0) <= 0)
		return false;
	if (room < 0 || out.revents & POLLERR || ioctl(STDOUT_FILENO, FIONREAD, &waits))
		return true;
	return !waits || bytes + waits <= (size_t)room;
}

static void print(const struct coordinate_snapshot *s, enum output output)
{
	char *text = NULL;
	size_t bytes = 0;
	FILE *out = open_memstream(&text, &bytes);

	if (!out)
		return;
	if (output == OUTPUT_JSON)
		print_json(s, out);
	else
		print_lines(s, out);
	if (!fclose(out) && fits(bytes))
		fwrite(text, 1, bytes, stdout);
	free(text);
}

int answers_screen_print(const struct coordinate_snapshot *s, enum output output)
{
	if (output != OUTPUT_SCREEN)
		print(s, output);
	else if (fits(0))
		page_redraw(draw, s);
	return fflush(stdout) || ferror(stdout) ? -EIO : 0;
}

/* --- At the end ------------------------------------------------------------------------ */

static void print_counts(const struct coordinate_count *counts, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		if (counts[i].count)
			printf("  %-18s %14llu  %s\n", counts[i].name, counts[i].count,
			       counts[i].text);
	}
}

void answers_screen_totals(const struct coordinate_snapshot *s, enum output output)
{
	char up[32];

	if (output == OUTPUT_JSON) {
		json_t *all = status_json(s);

		json_object_set_new(all, "stopped", json_true());
		json_line(all, stdout);
		fflush(stdout);
		return;
	}
	text_uptime(uptime_s(s), up, sizeof(up));
	printf("stopped after %s\n", up);
	printf("  %-18s %14llu  of %llu bytes\n", "messages_in", s->messages_in, s->bytes_in);
	printf("  %-18s %14llu  of %llu bytes\n", "messages_out", s->messages_out, s->bytes_out);
	print_counts(s->counts, s->count_count);
	print_counts(s->refusals, s->refusal_count);
	fflush(stdout);
}
