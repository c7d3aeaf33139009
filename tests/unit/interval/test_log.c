/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The log of intervals: written byte for byte as the Stanford monitor's, and read back. */
#include <errno.h>
#include <ftw.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include <cmocka.h>

#include "interval/log.h"

#define DAY 1795305600ll /* Nov 22, 2026 00:00:00 UTC, by date(1) */
#define HOSTS 10

static char folder[64];
static struct why why;

static int make_folder(void **state)
{
	strcpy(folder, "/tmp/weir-test-log-XXXXXX");
	return !mkdtemp(folder);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

static int remove_folder(void **state)
{
	return nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static const char *in_folder(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static char *content(const char *name)
{
	static char text[1 << 20];
	FILE *f = fopen(in_folder(name), "r");
	size_t length;

	if (!f)
		fail_msg("%s is not there", name);
	length = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	text[length] = '\0';
	return text;
}

static const struct coordinator_query query = {.name = "in", .window_s = 60};

/* The answer `name` at a tick of these parts. */
static void say(struct interval_log *log, const char *name, __s64 tick,
		const struct coordinator_part *parts, unsigned int count)
{
	struct coordinator_ask ask = {};
	struct coordinator_answer answer = {
		.ask = &ask, .query = &query, .tick = tick, .parts = parts, .part_count = count};

	snprintf(ask.name, sizeof(ask.name), "%s", name);
	if (interval_log_answer(log, &answer, &why))
		fail_msg("%s", why.text);
}

static struct interval_log *open_log(void)
{
	struct interval_log *log = interval_log_open(folder, &why);

	if (!log)
		fail_msg("%s", why.text);
	return log;
}

static void the_examples_of_the_stanford_monitor_are_written_byte_for_byte(void **state)
{
	/* 32 packets in the last minute at ten hosts, 5 of them at host 5; widths of 0.02. */
	static const unsigned int packets[HOSTS] = {3, 3, 3, 3, 4, 3, 3, 3, 3, 3};
	struct coordinator_part parts[HOSTS] = {};
	struct interval_log *log = open_log();
	const char *text;

	for (unsigned int i = 0; i < HOSTS; i++) {
		parts[i].host = i + 1;
		parts[i].centre = packets[i] * 1000;
		parts[i].width = 1200;
	}
	say(log, "Q2", DAY, parts, HOSTS);
	parts[4].centre = 5000;
	say(log, "Q2", DAY + 5, parts, HOSTS);
	assert_int_equal(interval_log_flush(log, &why), 0);
	text = content("2026-11-22.log");
	static const char header[] = "Start: Nov 22, 2026 00:00:00\n"
				     "End:   Nov 22, 2026 00:00:05\n"
				     "Q2-1 0.050000 0.020000 0\n"
				     "Q2-all 0.050000 0.020000 0\n"
				     "Q2-2 0.050000 0.020000 0\n"
				     "Q2-all 0.100000 0.040000 0\n";
	assert_memory_equal(text, header, strlen(header));
	assert_string_equal(strstr(text, "Q2-10 "), "Q2-10 0.050000 0.020000 0\n"
						    "Q2-all 0.516667 0.200000 0\n"
						    "Q2-5 0.083333 0.020000 5\n"
						    "Q2-all 0.533333 0.200000 5\n");
	interval_log_close(log);
}

static void only_what_prints_otherwise_is_written(void **state)
{
	struct coordinator_part parts[2] = {{.host = 3, .centre = 600000, .width = 60000},
					    {.host = 70, .centre = -6000, .width = 0}};
	struct interval_log *log = open_log();

	for (int i = 0; i < 50; i++)
		say(log, "a", DAY + 3600 + i, parts, 2);
	parts[0].width += 2;
	say(log, "a", DAY + 3700, parts, 2);
	parts[1].centre += 1;
	say(log, "b-2", DAY + 3700, parts + 1, 1);
	interval_log_close(log);
	assert_string_equal(content("2026-11-22.log"), "Start: Nov 22, 2026 01:00:00\n"
						       "End:   Nov 22, 2026 01:01:40\n"
						       "a-3 10.000000 1.000000 0\n"
						       "a-all 10.000000 1.000000 0\n"
						       "a-70 -0.100000 0.000000 0\n"
						       "a-all 9.900000 1.000000 0\n"
						       "a-3 10.000000 1.000033 100\n"
						       "a-all 9.900000 1.000033 100\n"
						       "b-2-70 -0.099983 0.000000 100\n"
						       "b-2-all -0.099983 0.000000 100\n");
}

static void a_missing_host_makes_widths_infinite_and_one_that_left_zero(void **state)
{
	struct coordinator_part parts[2] = {{.host = 1, .centre = 60000, .width = 6000},
					    {.host = 2, .centre = 120000, .width = 12000}};
	struct interval_log *log = open_log();

	say(log, "q", DAY, parts, 2);
	parts[1].missing = true;
	say(log, "q", DAY + 3, parts, 2);
	parts[0].centre = 0;
	say(log, "q", DAY + 4, parts, 2);
	parts[1].missing = false;
	say(log, "q", DAY + 7, parts, 2);
	say(log, "q", DAY + 8, parts + 1, 1);
	say(log, "q", DAY + 9, parts + 1, 1);
	say(log, "q", DAY + 10, parts, 2);
	interval_log_close(log);
	assert_string_equal(strstr(content("2026-11-22.log"), "q-2"),
			    "q-2 2.000000 0.200000 0\nq-all 3.000000 0.300000 0\n"
			    "q-2 2.000000 inf 3\nq-all 3.000000 inf 3\n"
			    "q-1 0.000000 0.100000 4\nq-all 2.000000 inf 4\n"
			    "q-2 2.000000 0.200000 7\nq-all 2.000000 0.300000 7\n"
			    "q-1 0.000000 0.000000 8\nq-all 2.000000 0.200000 8\n"
			    "q-1 0.000000 0.100000 10\nq-all 2.000000 0.300000 10\n");
}

static void a_day_ends_with_its_file_and_the_next_stands_alone(void **state)
{
	struct coordinator_part parts[2] = {{.host = 1, .centre = 60000, .width = 6000},
					    {.host = 2, .centre = 120000, .width = 12000}};
	struct interval_log *log = open_log();

	say(log, "q", DAY + 86390, parts, 2);
	say(log, "q", DAY + 86399, parts, 2);
	say(log, "q", DAY + 86400, parts, 2);
	interval_log_close(log);
	assert_string_equal(content("2026-11-22.log"),
			    "Start: Nov 22, 2026 23:59:50\nEnd:   Nov 22, 2026 23:59:59\n"
			    "q-1 1.000000 0.100000 0\nq-all 1.000000 0.100000 0\n"
			    "q-2 2.000000 0.200000 0\nq-all 3.000000 0.300000 0\n");
	assert_string_equal(content("2026-11-23.log"),
			    "Start: Nov 23, 2026 00:00:00\nEnd:   Nov 23, 2026 00:00:00\n"
			    "q-1 1.000000 0.100000 0\nq-all 1.000000 0.100000 0\n"
			    "q-2 2.000000 0.200000 0\nq-all 3.000000 0.300000 0\n");
}

static void another_run_on_the_same_day_has_a_file_of_its_own(void **state)
{
	static const char *const names[] = {"2026-11-22.log", "2026-11-22.1.log",
					    "2026-11-22.2.log"};
	struct coordinator_part part = {.host = 1};

	for (unsigned int run = 0; run < 3; run++) {
		struct interval_log *log = open_log();

		part.centre = run * 60000;
		say(log, "q", DAY + run, &part, 1);
		interval_log_close(log);
	}
	for (unsigned int run = 0; run < 3; run++) {
		char record[64];

		snprintf(record, sizeof(record), "q-1 %u.000000 0.000000 0\n", run);
		assert_non_null(strstr(content(names[run]), record));
	}
}

static void what_a_full_disk_cut_is_taken_back_and_a_new_file_goes_on(void **state)
{
	struct coordinator_part parts[HOSTS] = {}, more = {.host = 99, .centre = 60000};
	struct interval_log *log = open_log();
	struct interval_log_summary summary;
	struct rlimit before, tight;
	char whole[4096];

	for (unsigned int i = 0; i < HOSTS; i++)
		parts[i].host = i + 1;
	say(log, "q", DAY, parts, HOSTS);
	assert_int_equal(interval_log_flush(log, &why), 0);
	snprintf(whole, sizeof(whole), "%s", content("2026-11-22.log"));

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	signal(SIGXFSZ, SIG_IGN);
	tight = before;
	tight.rlim_cur = strlen(whole) + 30;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
	say(log, "r", DAY + 1, &more, 1);
	assert_true(interval_log_flush(log, &why) < 0);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_non_null(strstr(why.text, "2026-11-22.log: "));

	assert_string_equal(content("2026-11-22.log"), whole);
	say(log, "q", DAY + 2, parts, HOSTS);
	interval_log_close(log);
	assert_int_equal(
		interval_log_read(in_folder("2026-11-22.1.log"), NULL, NULL, &summary, &why), 0);
	assert_int_equal(summary.records, 2 * HOSTS);
	assert_int_equal(summary.start, DAY + 2);
}

static void a_folder_that_cannot_be_written_is_named(void **state)
{
	char path[128];

	snprintf(path, sizeof(path), "%s", in_folder("file"));
	fclose(fopen(path, "w"));
	assert_null(interval_log_open(path, &why));
	assert_non_null(strstr(why.text, path));
}

/* --- Reading --------------------------------------------------------------------------- */

/* What was logged, as the test keeps it: exact, by answer, second, host. */
#define SECONDS 120
static struct {
	bool missing;
	double centre, width;
} truth[2][SECONDS][HOSTS];
static __s64 read_up_to[2];
static double state_centre[2][HOSTS], state_width[2][HOSTS];

static void compare_until(int a, __s64 second)
{
	for (; read_up_to[a] < second; read_up_to[a]++) {
		for (int h = 0; h < HOSTS; h++) {
			double centre = truth[a][read_up_to[a]][h].centre;
			double width = truth[a][read_up_to[a]][h].width;

			/* Half a millionth is lost in print, and as much may not have been said. */
			assert_true(fabs(state_centre[a][h] - centre) < 1.01e-6);
			if (truth[a][read_up_to[a]][h].missing)
				assert_true(isinf(state_width[a][h]));
			else
				assert_true(fabs(state_width[a][h] - width) < 1.01e-6);
		}
	}
}

static int take_state(void *context, const struct interval_log_state *state)
{
	const int a = state->answer[0] - 'a';
	double centre = 0, width = 0;

	assert_true(state->tick >= DAY && state->tick < DAY + SECONDS);
	compare_until(a, state->tick - DAY);
	assert_int_equal(state->host_count, HOSTS);
	for (int h = 0; h < HOSTS; h++) {
		assert_int_equal(state->hosts[h].host, h * h + 1);
		state_centre[a][h] = state->hosts[h].centre;
		state_width[a][h] = state->hosts[h].width;
		centre += state->hosts[h].centre;
		width += state->hosts[h].width;
	}
	assert_true(fabs(state->centre - centre) < 1e-5);
	assert_true(isinf(width) ? isinf(state->width) : fabs(state->width - width) < 1e-5);
	++*(int *)context;
	return 0;
}

/* Two answers over two minutes in which some values move, some hosts come and go. */
static void write_random(void)
{
	struct coordinator_part parts[2][HOSTS] = {};
	struct interval_log *log = open_log();

	srandom(7);
	for (int second = 0; second < SECONDS; second++) {
		for (int a = 0; a < 2; a++) {
			for (int h = 0; h < HOSTS; h++) {
				struct coordinator_part *p = &parts[a][h];

				p->host = h * h + 1;
				if (random() % 4 == 0) {
					p->centre = random() % 4000000000ll * 977;
					p->width = random() % 100000 * 2;
				}
				if (random() % 16 == 0)
					p->missing = !p->missing;
				truth[a][second][h].missing = p->missing;
				truth[a][second][h].centre = p->centre / 1000.0 / 60;
				truth[a][second][h].width = p->width / 1000.0 / 60;
			}
			say(log, a ? "b" : "a", DAY + second, parts[a], HOSTS);
		}
		assert_int_equal(interval_log_flush(log, &why), 0);
	}
	interval_log_close(log);
}

static void what_is_read_is_what_was_logged_at_every_second(void **state)
{
	struct interval_log_summary summary;
	int states = 0;

	write_random();
	memset(read_up_to, 0, sizeof(read_up_to));
	if (interval_log_read(in_folder("2026-11-22.log"), take_state, &states, &summary, &why))
		fail_msg("%s", why.text);
	for (int a = 0; a < 2; a++)
		compare_until(a, SECONDS);
	assert_in_range(states, SECONDS, 2 * SECONDS);
	assert_int_equal(summary.start, DAY);
	assert_int_equal(summary.end, DAY + SECONDS - 1);
	assert_false(summary.torn);
}

static int count_states(void *context, const struct interval_log_state *state)
{
	++*(int *)context;
	return 0;
}

static void a_file_cut_at_any_byte_is_read_up_to_there(void **state)
{
	static char text[1 << 20];
	size_t length, pairs = 0, header;

	write_random();
	strcpy(text, content("2026-11-22.log"));
	header = strstr(text, "a-1 ") - text;
	length = strlen(text) < 6000 ? strlen(text) : 6000;
	for (size_t cut = header; cut <= length; cut++) {
		struct interval_log_summary summary;
		FILE *f = fopen(in_folder("cut"), "w");
		bool whole = cut == header;
		size_t line = cut;

		fwrite(text, 1, cut, f);
		fclose(f);
		/* Does it end behind the line of a sum? */
		if (cut > header && text[cut - 1] == '\n') {
			for (line = cut - 1; text[line - 1] != '\n';)
				line--;
			whole = !strncmp(text + line + 1, "-all", 4);
			pairs += whole;
		}
		if (interval_log_read(in_folder("cut"), NULL, NULL, &summary, &why))
			fail_msg("cut at %zu: %s", cut, why.text);
		assert_int_equal(summary.torn, !whole);
		assert_int_equal(summary.records, 2 * pairs);
	}
	assert_true(pairs > 50);
}

static void a_broken_file_is_refused_with_its_line(void **state)
{
	static const struct {
		const char *text, *starts;
	} cases[] = {
		{"q-1 1 1 0\nq-all 1 1 0\nhello\n", ":3: 'hello' is no record"},
		{"q-1 1 1 0\nq-all 1 1 0\n\n", ":3: '' is no record"},
		{"q-1 1 1 0\nq-all 1 1 0\nq-1 1 1\n", ":3: 'q-1 1 1' is no record"},
		{"q-1 1 1 0\nq-all 1 1 0\nq-1 1 1 0 0\n", ":3: 'q-1 1 1 0 0' is no record"},
		{"q-1 1 1 0\nq-all 1 1 0\nq-1 x 1 0\n", ":3: 'q-1 x 1 0' is no record"},
		{"q-1 1 1 0\nq-all 1 1 0\nq-1 1 -1 0\n", ":3: 'q-1 1 -1 0' is no record"},
		{"q-1 1 1 0\nq-all 1 1 0\nq-1 nan 1 0\n", ":3: 'q-1 nan 1 0' is no record"},
		{"q-1 1 1 0\nq-all 1 1 0\nq-1 1e33 1 0\n", ":3: 'q-1 1e33 1 0' is no record"},
		{"q-1 1 1 0\nq-all 1 1 0\nq-1 1 1e300 0\n", ":3: 'q-1 1 1e300 0' is no record"},
		{"q-1 1 1 0\nq-all 1 1 0\nq-1 1 1 9223372036854775807\n",
		 ":3: 'q-1 1 1 9223372036854775807' is no record"},
		{"q-1 1 1 0\nq-all 1 1 0\nq-1 inf 1 0\n", ":3: 'q-1 inf 1 0' is no record"},
		{"q-1 1 1 0\nq-all 1 1 0\nq-x 1 1 0\n", ":3: 'q-x 1 1 0' is no record"},
		{"q-1 1 1 0\nq-all 1 1 0\nq-4294967296 1 1 0\n", ":3: 'q-4294967296 1 1 0' is no"},
		{"q-1 1 1 0\nq-all 1 1 0\n-1 1 1 0\n", ":3: '-1 1 1 0' is no record"},
		{"q-1 1 1 0\nq-all 1 1 0\n\x1b[2J\n", ":3: '?[2J' is no record"},
		{"x\nq-all 1 1 0\n", ":2: q-all follows no record of a host"},
		{"x\nq-1 1 1 0\nq-2 1 1 0\n", ":3: expected q-all of second 0"},
		{"x\nq-1 1 1 0\nr-all 1 1 0\n", ":3: expected q-all of second 0"},
		{"x\nq-1 1 1 0\nq-all 1 1 1\n", ":3: expected q-all of second 0"},
		{"q-1 1 1 5\nq-all 1 1 5\nq-1 1 1 4\nq-all 1 1 4\n",
		 ":3: second 4 of q comes after second 5"},
		{"q-1 1 1 0\nq-all 1.000002 1 0\n",
		 ":2: the centre of q-all is 1.000002, of its hosts 1.000000"},
		{"q-1 1 1 0\nq-all 1 1 0\nq-2 1 1 0\nq-all 2 2.000003 0\n",
		 ":4: the width of q-all is 2.000003, of its hosts 2.000000"},
		{"q-1 1 inf 0\nq-all 1 1 0\n",
		 ":2: the width of q-all is 1.000000, of its hosts inf"},
		{"q-1 1 1 0\nq-all 1 inf 0\n", ":2: the width of q-all is inf, of its hosts 1.00"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct interval_log_summary summary = {.records = 77};
		FILE *f = fopen(in_folder("broken"), "w");

		fputs(cases[i].text, f);
		fclose(f);
		assert_int_equal(interval_log_read(in_folder("broken"), NULL, NULL, &summary, &why),
				 -EBADMSG);
		assert_memory_equal(why.text, in_folder("broken"), strlen(in_folder("broken")));
		if (strncmp(why.text + strlen(in_folder("broken")), cases[i].starts,
			    strlen(cases[i].starts)))
			fail_msg("%s\ninstead of %s", why.text, cases[i].starts);
		assert_int_equal(summary.records, 77);
	}
	assert_int_equal(interval_log_read(in_folder("none"), NULL, NULL, NULL, &why), -ENOENT);
	assert_string_equal(why.text + strlen(in_folder("none")), ": No such file or directory");
}

static void any_lines_may_lead_and_sums_may_be_a_millionth_off_for_each_host(void **state)
{
	static const char text[] = "Netmon data, not a record\n"
				   "\n"
				   "Start time: Jan 20, 2003 23:39\n"
				   "Q2-5   0.083333\t0.020000 5\n"
				   "Q2-all 0.083333 0.020000 5\n"
				   "Q2-6 0.050000 0.020000 6\n"
				   "Q2-all 0.133335 0.040002 6\n"
				   "Q3-6 0.5 0.02 6\n"
				   "Q3-all 0.5 0.02 6\n";
	struct interval_log_summary summary;
	FILE *f = fopen(in_folder("old"), "w");
	int states = 0;

	fputs(text, f);
	fclose(f);
	if (interval_log_read(in_folder("old"), count_states, &states, &summary, &why))
		fail_msg("%s", why.text);
	assert_int_equal(states, 3);
	assert_int_equal(summary.records, 6);
	assert_int_equal(summary.start, 0);
	assert_false(summary.torn);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_FOLDER(the_examples_of_the_stanford_monitor_are_written_byte_for_byte),
		IN_FOLDER(only_what_prints_otherwise_is_written),
		IN_FOLDER(a_missing_host_makes_widths_infinite_and_one_that_left_zero),
		IN_FOLDER(a_day_ends_with_its_file_and_the_next_stands_alone),
		IN_FOLDER(another_run_on_the_same_day_has_a_file_of_its_own),
		IN_FOLDER(what_a_full_disk_cut_is_taken_back_and_a_new_file_goes_on),
		IN_FOLDER(a_folder_that_cannot_be_written_is_named),
		IN_FOLDER(what_is_read_is_what_was_logged_at_every_second),
		IN_FOLDER(a_file_cut_at_any_byte_is_read_up_to_there),
		IN_FOLDER(a_broken_file_is_refused_with_its_line),
		IN_FOLDER(any_lines_may_lead_and_sums_may_be_a_millionth_off_for_each_host),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
