// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "unit/export/collector.h"
#include "wire/field.h"

struct scene {
	char folder[48];
	struct subject subject;
	struct collector *collector;
};

static int set_scene(void **state)
{
	struct scene *s = calloc(1, sizeof(*s));

	*state = s;
	snprintf(s->folder, sizeof(s->folder), "/tmp/weir-test-file-XXXXXX");
	s->collector = collector_new();
	return mkdtemp(s->folder) ? 0 : -1;
}

static int clear_scene(void **state)
{
	struct scene *s = *state;
	int err;

	collector_free(s->collector);
	subject_free(&s->subject);
	err = rmdir(s->folder);
	free(s);
	return err;
}

static void write_to(struct scene *s, const char *pattern)
{
	char to[128];

	snprintf(to, sizeof(to), "file:%s/%s", s->folder, pattern);
	subject_init_to(&s->subject, to);
}

static struct collector_folder count_files(const char *folder)
{
	struct collector_folder found = {0};
	const struct dirent *entry;
	DIR *dir = opendir(folder);

	while (dir && (entry = readdir(dir)) != NULL) {
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		found.hidden += entry->d_name[0] == '.';
		found.whole += entry->d_name[0] != '.';
	}
	if (dir)
		closedir(dir);
	return found;
}

static void a_file_appears_when_it_is_whole(void **state)
{
	static struct names names;
	struct scene *s = *state;
	struct collector_counts counts;

	names_set(&names, &(struct interface_name){.index = 7, .name = "eth7"});
	write_to(s, "flows.ipfix");
	s->subject.facts.names = &names;
	s->subject.options.rotate_ns = 3600 * SEC;
	subject_open(&s->subject);
	subject_put(&s->subject, 0, 3000);
	assert_int_equal(exporter_flush(s->subject.exporter, now_ns() + 30 * SEC), 0);
	assert_int_equal(count_files(s->folder).whole, 0);
	assert_int_equal(count_files(s->folder).hidden, 1);
	assert_int_equal(subject_close(&s->subject), 0);
	assert_int_equal(count_files(s->folder).hidden, 0);
	assert_int_equal(collector_take_folder(s->collector, s->folder).whole, 1);
	collector_assert_exactly_once(s->collector, 3000);
	counts = collector_counts(s->collector);
	assert_int_equal(counts.gaps, 0);
	assert_int_equal(counts.template_messages, 1);
	/* An interface, sampling, exporting and metering process, and types. */
	assert_true(counts.options > 4);
}

static void a_file_is_named_by_the_local_time_it_began_at(void **state)
{
	struct scene *s = *state;
	char folder[32], name[32], path[160];
	time_t before, after;
	struct tm tm;

	setenv("TZ", "XYZ-05:45", 1);
	tzset();
	write_to(s, "%Y-%m/%d/%H.ipfix");
	before = time(NULL);
	subject_open(&s->subject);
	subject_put(&s->subject, 0, 10);
	assert_int_equal(subject_close(&s->subject), 0);
	after = time(NULL);
	localtime_r(&before, &tm);
	strftime(name, sizeof(name), "%H.ipfix", &tm);
	strftime(folder, sizeof(folder), "%Y-%m/%d", &tm);
	snprintf(path, sizeof(path), "%s/%s/%s", s->folder, folder, name);
	/* Unless the hour ended meanwhile. */
	assert_true(!access(path, R_OK) || before / 60 != after / 60);
	snprintf(path, sizeof(path), "%s/%s", s->folder, folder);
	assert_int_equal(collector_take_folder(s->collector, path).whole, 1);
	assert_int_equal(rmdir(path), 0);
	*strrchr(path, '/') = 0;
	assert_int_equal(rmdir(path), 0);
	collector_assert_exactly_once(s->collector, 10);
	unsetenv("TZ");
	tzset();
}

static void a_name_that_is_taken_gets_a_number(void **state)
{
	struct scene *s = *state;
	char path[128];

	write_to(s, "flows.v1.ipfix");
	for (uint64_t id = 0; id < 300; id += 100) {
		subject_open(&s->subject);
		subject_put(&s->subject, id, id + 100);
		assert_int_equal(subject_close(&s->subject), 0);
		s->subject.staged = (struct queue_count){0};
	}
	snprintf(path, sizeof(path), "%s/flows.v1.ipfix", s->folder);
	assert_int_equal(access(path, F_OK), 0);
	snprintf(path, sizeof(path), "%s/flows.v1-1.ipfix", s->folder);
	assert_int_equal(access(path, F_OK), 0);
	snprintf(path, sizeof(path), "%s/flows.v1-2.ipfix", s->folder);
	assert_int_equal(access(path, F_OK), 0);
	assert_int_equal(collector_take_folder(s->collector, s->folder).whole, 3);
	collector_assert_exactly_once(s->collector, 300);
}

static void a_file_ends_when_its_time_is_over_though_nothing_comes(void **state)
{
	struct scene *s = *state;
	const uint64_t until = now_ns() + 30 * SEC;

	write_to(s, "flows");
	s->subject.options.rotate_ns = SEC / 5;
	subject_open(&s->subject);
	subject_put(&s->subject, 0, 100);
	while (!count_files(s->folder).whole && now_ns() < until)
		usleep(1000);
	assert_int_equal(count_files(s->folder).whole, 1);
	/* And no empty one after it. */
	usleep(300000);
	assert_int_equal(subject_close(&s->subject), 0);
	assert_int_equal(count_files(s->folder).hidden, 0);
	assert_int_equal(collector_take_folder(s->collector, s->folder).whole, 1);
	collector_assert_exactly_once(s->collector, 100);
}

static void a_file_ends_before_it_grows_beyond_its_size(void **state)
{
	struct scene *s = *state;
	struct collector_folder found;

	write_to(s, "flows");
	s->subject.options.rotate_bytes = 100000;
	s->subject.options.message_bytes = 5000;
	subject_open(&s->subject);
	subject_put(&s->subject, 0, 20000);
	assert_int_equal(exporter_flush(s->subject.exporter, now_ns() + 30 * SEC), 0);
	assert_int_equal(subject_close(&s->subject), 0);
	found = collector_take_folder(s->collector, s->folder);
	/* 62 bytes a record. */
	assert_in_range(found.whole, 20000 * 62 / 100000, 20000 * 62 / 90000 + 1);
	collector_assert_exactly_once(s->collector, 20000);
	assert_int_equal(collector_counts(s->collector).gaps, 0);
}

static bool many_distinct(void *context, unsigned int n, struct wire_distinct *out)
{
	*out = (struct wire_distinct){.key = "src", .count = n};
	memset(out->query, 'q', sizeof(out->query) - 1);
	return n < 64;
}

static off_t largest_file(const char *folder)
{
	const struct dirent *entry;
	DIR *dir = opendir(folder);
	off_t largest = 0;
	struct stat st;

	while (dir && (entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] != '.' && !fstatat(dirfd(dir), entry->d_name, &st, 0) &&
		    st.st_size > largest)
			largest = st.st_size;
	}
	if (dir)
		closedir(dir);
	return largest;
}

/* They take several messages, for which there is room in the end. */
static void each_file_ends_with_all_distinct_counts_within_its_size(void **state)
{
	struct scene *s = *state;
	struct collector_folder found;

	write_to(s, "flows");
	s->subject.facts.distinct = many_distinct;
	s->subject.options.rotate_bytes = 65535;
	s->subject.options.message_bytes = 1024;
	subject_open(&s->subject);
	subject_put(&s->subject, 0, 5000);
	assert_int_equal(exporter_flush(s->subject.exporter, now_ns() + 30 * SEC), 0);
	assert_int_equal(subject_close(&s->subject), 0);
	assert_in_range(largest_file(s->folder), 50000, 65535);
	found = collector_take_folder(s->collector, s->folder);
	assert_in_range(found.whole, 5, 8);
	collector_assert_exactly_once(s->collector, 5000);
	/* Types, sampling, exporting and metering process. */
	assert_int_equal(collector_counts(s->collector).options,
			 found.whole * (WIRE_INTERVAL_FIRST - WIRE_OWN_FIRST + 1 + 2 + 64));
	assert_int_equal(collector_counts(s->collector).gaps, 0);
}

static void messages_may_be_as_large_as_files(void **state)
{
	struct scene *s = *state;

	write_to(s, "flows");
	s->subject.options.rotate_bytes = s->subject.options.message_bytes = 65535;
	subject_open(&s->subject);
	subject_put(&s->subject, 0, 5000);
	assert_int_equal(exporter_flush(s->subject.exporter, now_ns() + 30 * SEC), 0);
	assert_int_equal(subject_close(&s->subject), 0);
	assert_in_range(largest_file(s->folder), 20000, 65535);
	assert_in_range(collector_take_folder(s->collector, s->folder).whole, 5, 15);
	collector_assert_exactly_once(s->collector, 5000);
}

static void without_flows_there_is_no_file(void **state)
{
	struct scene *s = *state;

	write_to(s, "sub/flows");
	subject_open(&s->subject);
	subject_wait_phase(&s->subject, QUEUE_UP);
	assert_int_equal(subject_close(&s->subject), 0);
	assert_int_equal(count_files(s->folder).whole, 0);
}

static void a_folder_that_cannot_be_is_named_and_waited_for(void **state)
{
	struct scene *s = *state;
	char path[128];
	int fd;

	write_to(s, "sub/flows");
	snprintf(path, sizeof(path), "%s/sub", s->folder);
	fd = open(path, O_CREAT | O_WRONLY, 0644);
	close(fd);
	s->subject.warns = "sub/flows: Not a directory";
	subject_open(&s->subject);
	subject_put(&s->subject, 0, 100);
	subject_wait_phase(&s->subject, QUEUE_REFUSED);
	assert_non_null(strstr(subject_state(&s->subject).error, "sub/flows: Not a directory"));
	unlink(path);
	assert_int_equal(exporter_flush(s->subject.exporter, now_ns() + 30 * SEC), 0);
	assert_int_equal(subject_close(&s->subject), 0);
	assert_int_equal(collector_take_folder(s->collector, path).whole, 1);
	assert_int_equal(rmdir(path), 0);
	collector_assert_exactly_once(s->collector, 100);
}

static void a_check_finds_it_and_makes_nothing(void **state)
{
	struct scene *s = *state;
	struct why why = {};
	char path[128];
	int fd;

	write_to(s, "sub/%Y/flows");
	snprintf(path, sizeof(path), "%s/queues", s->folder);
	assert_int_equal(exporter_check(&s->subject.options, path, &why), 0);
	snprintf(path, sizeof(path), "%s/sub", s->folder);
	fd = open(path, O_CREAT | O_WRONLY, 0644);
	close(fd);
	assert_int_equal(exporter_check(&s->subject.options, s->folder, &why), -ENOTDIR);
	assert_non_null(strstr(why.text, "/sub/"));
	assert_int_equal(strncmp(why.text, s->subject.options.to, strlen(s->subject.options.to)),
			 0);
	unlink(path);
	/* The queue's folder. */
	assert_int_equal(exporter_check(&s->subject.options, "/dev/null/export", &why), -ENOTDIR);
	assert_non_null(strstr(why.text, "/dev/null/export: Not a directory"));
}

/* In a process of its own, which may not write files as large as it would. */
static void write_with_little_room(struct scene *s)
{
	struct rlimit limit;

	getrlimit(RLIMIT_FSIZE, &limit);
	limit.rlim_cur = 150000;
	setrlimit(RLIMIT_FSIZE, &limit);
	s->subject.options.rotate_ns = 24 * 3600 * SEC;
	subject_open(&s->subject);
	subject_put(&s->subject, 0, 10000);
	subject_wait_errors(&s->subject, 2);
	if (!strstr(subject_state(&s->subject).error, "File too large") ||
	    count_files(s->folder).whole)
		_exit(1);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_FSIZE, &limit);
	if (exporter_flush(s->subject.exporter, now_ns() + 30 * SEC))
		_exit(2);
	_exit(subject_close(&s->subject) ? 3 : 0);
}

static void a_full_disk_is_waited_for_and_nothing_is_cut(void **state)
{
	struct scene *s = *state;
	int status;
	pid_t child;

	write_to(s, "flows");
	child = fork();
	if (!child)
		write_with_little_room(s);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_int_equal(collector_take_folder(s->collector, s->folder).whole, 1);
	collector_assert_exactly_once(s->collector, 10000);
	assert_int_equal(collector_counts(s->collector).gaps, 0);
}

/* A part file of which less is there than was written, or nothing. */
static void a_part_file_that_was_tampered_with_is_left_alone(void **state)
{
	struct scene *s = *state;
	int status;
	pid_t child;
	char part[128];

	write_to(s, "flows");
	subject_in_folder(&s->subject);
	child = fork();
	if (!child) {
		subject_open(&s->subject);
		subject_put(&s->subject, 0, 1000);
		exporter_flush(s->subject.exporter, now_ns() + 30 * SEC);
		kill(getpid(), SIGKILL);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	snprintf(part, sizeof(part), "%s/.flows.part", s->folder);
	assert_int_equal(truncate(part, 1000), 0);
	subject_open(&s->subject);
	s->subject.staged = subject_state(&(struct subject){.exporter = s->subject.exporter,
							    .staged = {1000, 500500, 50050000}})
				    .sent;
	subject_put(&s->subject, 1000, 2000);
	assert_int_equal(exporter_flush(s->subject.exporter, now_ns() + 30 * SEC), 0);
	assert_int_equal(subject_state(&s->subject).errors, 1);
	assert_non_null(strstr(subject_state(&s->subject).error, "is shorter than what was"));
	assert_int_equal(subject_close(&s->subject), 0);
	assert_int_equal(count_files(s->folder).hidden, 1);
	assert_int_equal(collector_take_folder(s->collector, s->folder).whole, 1);
	assert_int_equal(collector_counts(s->collector).flows, 1000);
	assert_int_equal(s->collector->seen[1999], 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_scene, clear_scene)
	const struct CMUnitTest tests[] = {
		TEST(a_file_appears_when_it_is_whole),
		TEST(a_file_is_named_by_the_local_time_it_began_at),
		TEST(a_name_that_is_taken_gets_a_number),
		TEST(a_file_ends_when_its_time_is_over_though_nothing_comes),
		TEST(a_file_ends_before_it_grows_beyond_its_size),
		TEST(each_file_ends_with_all_distinct_counts_within_its_size),
		TEST(messages_may_be_as_large_as_files),
		TEST(without_flows_there_is_no_file),
		TEST(a_folder_that_cannot_be_is_named_and_waited_for),
		TEST(a_check_finds_it_and_makes_nothing),
		TEST(a_full_disk_is_waited_for_and_nothing_is_cut),
		TEST(a_part_file_that_was_tampered_with_is_left_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
