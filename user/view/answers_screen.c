// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What weir coordinate prints: as soon as all answers of a second are out, or when a second and a
 * half have passed without them.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/version.h"
#include "view/answers.h"
#include "coordinate/coordinate.h"
#include "view/page.h"
#include "view/json.h"
#include "view/reporting.h"
#include "view/text.h"

/* The engine's hosts, and between them those of the config that it knows nothing of yet. */
struct count {
	unsigned int here, missing;
	json_t *list; /* NULL: not asked for */
	const struct config_coordinate *config;
	unsigned int next;
};

static void count_absent(struct count *count, __u64 before)
{
	for (;
	     count->next < count->config->host_count && count->config->hosts[count->next] < before;
	     count->next++) {
		const struct coordinator_host never = {.host = count->config->hosts[count->next]};

		count->missing++;
		if (count->list)
			json_array_append_new(count->list, answers_host_json(&never));
	}
}

static void count_host(void *context, const struct coordinator_host *host)
{
	struct count *count = context;

	count_absent(count, host->host);
	if (count->next < count->config->host_count &&
	    count->config->hosts[count->next] == host->host)
		count->next++;
	if (host->here)
		count->here++;
	else
		count->missing++;
	if (count->list)
		json_array_append_new(count->list, answers_host_json(host));
}

static void count_hosts(const struct coordinate *c, struct count *count)
{
	count->config = &c->config.coordinate;
	coordinator_hosts(c->engine, count_host, count);
	count_absent(count, 1ull << 32);
}

/* --- JSON ------------------------------------------------------------------------------ */

static json_t *counters_json(const struct coordinate *c)
{
	json_t *all = json_object();

	for (int i = 0; i < COORDINATOR_COUNT_MAX; i++)
		json_object_set_new(all, coordinator_count_names[i].name,
				    json_integer(coordinator_counted(c->engine, i)));
	for (int i = 0; i < COORDINATE_REFUSAL_MAX; i++)
		if (coordinate_refusal_names[i].name)
			json_object_set_new(all, coordinate_refusal_names[i].name,
					    json_integer(c->refused[i]));
	return all;
}

json_t *coordinate_status_json(struct coordinate *c, bool with_hosts)
{
	struct uplink_status parent;
	const struct coordinate_traffic t = guests_traffic(c);
	const __u64 now_ns = coordinate_now(c);
	struct count count = {.list = with_hosts ? json_array() : NULL};
	json_t *all;

	count_hosts(c, &count);
	if (c->uplink)
		uplink_status(c->uplink, &parent);
	all = json_pack("{s:f, s:I, s:i, s:i, s:{s:I, s:I}, s:{s:I, s:I}, s:I, s:o?, s:o}", "time",
			now_ns / 1e9, "uptime",
			(json_int_t)((now_ns - c->start_ns) / WEIR_NS_PER_SEC), "hosts_here",
			(int)count.here, "hosts_missing", (int)count.missing, "messages", "in",
			(json_int_t)t.messages_in, "out", (json_int_t)t.messages_out, "bytes", "in",
			(json_int_t)t.bytes_in, "out", (json_int_t)t.bytes_out, "memory",
			(json_int_t)coordinator_bytes(c->engine), "parent",
			c->uplink ? reporting_json(&parent) : NULL, "counters", counters_json(c));
	if (all && count.list)
		json_object_set(all, "hosts", count.list);
	json_decref(count.list);
	return all;
}

static void print_json(struct coordinate *c, FILE *out)
{
	json_t *all = coordinate_status_json(c, false), *answers = json_array();

	for (unsigned int i = 0; i < c->ask_count; i++)
		if (c->last[i].json)
			json_array_append(answers, c->last[i].json);
	json_object_set_new(all, "answers", answers);
	json_line(all, out);
}

/* --- Lines, and a terminal ------------------------------------------------------------- */

static void print_lines(struct coordinate *c, FILE *out)
{
	const struct coordinate_traffic t = guests_traffic(c);
	struct count count = {};

	count_hosts(c, &count);
	for (unsigned int i = 0; i < c->ask_count; i++)
		if (c->last[i].json)
			answers_line(c->last[i].json, out);
	fprintf(out,
		"hosts: %u here, %u missing; in %llu messages %llu bytes, out %llu messages %llu "
		"bytes\n",
		count.here, count.missing, t.messages_in, t.bytes_in, t.messages_out, t.bytes_out);
}

static void draw_head(const struct coordinate *c, FILE *out)
{
	struct uplink_status parent;
	char up[32], clock[TEXT_TIME_BYTES];

	text_uptime((c->clock_ns - c->start_ns) / WEIR_NS_PER_SEC, up, sizeof(up));
	text_clock(c->clock_ns / WEIR_NS_PER_SEC, clock);
	fprintf(out, "weir %s coordinate%*s up %s" PAGE_EOL, WEIR_VERSION,
		(int)(79 - strlen(WEIR_VERSION) - 20 - strlen(up)), clock, up);
	for (unsigned int i = 0; i < c->listeners; i++)
		fprintf(out, "at %s" PAGE_EOL, c->listener[i].text);
	if (!c->uplink)
		return;
	uplink_status(c->uplink, &parent);
	fputs("parent ", out);
	reporting_text(&parent, out, PAGE_EOL);
}

static void draw_answers(const struct coordinate *c, FILE *out)
{
	fputs(PAGE_EOL "\033[1m", out);
	answers_head(out, "\033[0m" PAGE_EOL);
	for (unsigned int i = 0; i < c->ask_count; i++)
		if (c->last[i].json)
			answers_row(c->last[i].json, out, PAGE_EOL);
}

static void draw_totals(const struct coordinate *c, FILE *out)
{
	const struct coordinate_traffic t = guests_traffic(c);
	struct count count = {};

	count_hosts(c, &count);
	fprintf(out, PAGE_EOL "hosts      %u here, %u missing" PAGE_EOL, count.here, count.missing);
	fprintf(out, "in         %llu messages, %llu bytes" PAGE_EOL, t.messages_in, t.bytes_in);
	fprintf(out, "out        %llu messages, %llu bytes" PAGE_EOL, t.messages_out, t.bytes_out);
	for (int i = 0; i < COORDINATE_REFUSAL_MAX; i++)
		if (c->refused[i] && coordinate_refusal_names[i].name)
			fprintf(out, "%10llu %s" PAGE_EOL, c->refused[i],
				coordinate_refusal_names[i].text);
}

static void draw(const void *context, FILE *part[PAGE_PARTS])
{
	const struct coordinate *c = context;

	draw_head(c, part[PAGE_HEAD]);
	draw_answers(c, part[PAGE_QUERIES]);
	draw_totals(c, part[PAGE_TOTALS]);
	notes_draw(&c->notes, part[PAGE_NOTES]);
}

void coordinate_screen_open(struct coordinate *c)
{
	c->printed_ns = coordinate_now(c);
	if (c->output != OUTPUT_SCREEN)
		return;
	page_open();
	c->notes.drawn = true;
	page_redraw(draw, c);
	fflush(stdout);
}

void coordinate_screen_close(struct coordinate *c)
{
	if (!c->notes.drawn)
		return;
	c->notes.drawn = false;
	page_close();
}

/* Whoever does not read for a while (^S, a pipe that is full) misses what is printed, and holds up
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

static void print(struct coordinate *c)
{
	char *text = NULL;
	size_t bytes = 0;
	FILE *out = open_memstream(&text, &bytes);

	if (!out)
		return;
	if (c->output == OUTPUT_JSON)
		print_json(c, out);
	else
		print_lines(c, out);
	if (!fclose(out) && fits(bytes))
		fwrite(text, 1, bytes, stdout);
	free(text);
}

int coordinate_screen_tick(struct coordinate *c, __u64 now_ns)
{
	if (!c->whole && now_ns - c->printed_ns < COORDINATE_PRINT_NS)
		return 0;
	c->whole = false;
	c->printed_ns = now_ns;
	if (c->quiet)
		return 0;
	if (c->output != OUTPUT_SCREEN)
		print(c);
	else if (fits(0))
		page_redraw(draw, c);
	return fflush(stdout) || ferror(stdout) ? -EIO : 0;
}

void coordinate_screen_totals(struct coordinate *c)
{
	const struct coordinate_traffic t = guests_traffic(c);
	char up[32];

	if (c->output == OUTPUT_JSON) {
		json_t *all = coordinate_status_json(c, false);

		json_object_set_new(all, "stopped", json_true());
		json_line(all, stdout);
		fflush(stdout);
		return;
	}
	text_uptime((coordinate_now(c) - c->start_ns) / WEIR_NS_PER_SEC, up, sizeof(up));
	printf("stopped after %s\n", up);
	printf("  %-18s %14llu  of %llu bytes\n", "messages_in", t.messages_in, t.bytes_in);
	printf("  %-18s %14llu  of %llu bytes\n", "messages_out", t.messages_out, t.bytes_out);
	for (int i = 0; i < COORDINATOR_COUNT_MAX; i++) {
		const __u64 n = coordinator_counted(c->engine, i);

		if (n)
			printf("  %-18s %14llu  %s\n", coordinator_count_names[i].name, n,
			       coordinator_count_names[i].text);
	}
	for (int i = 0; i < COORDINATE_REFUSAL_MAX; i++)
		if (c->refused[i] && coordinate_refusal_names[i].name)
			printf("  %-18s %14llu  %s\n", coordinate_refusal_names[i].name,
			       c->refused[i], coordinate_refusal_names[i].text);
	fflush(stdout);
}
