/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Lines to people, and to the journal; standard error is a pipe or a file of the test's. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/log.h"
#include "view/notes.h"

static char said[4096];

static void say_all(void)
{
	struct notes notes = {};

	log_err("no\nmemory");
	log_warn("%d left", 3);
	notes_warn(&notes, "wa: refused");
	notes_say(&notes, "reloaded");
	log_info("flows: 7");
}

/* What comes out at `fd`, which is read from `from`, with this JOURNAL_STREAM ("%llu:%llu", device
 * and inode of fd, `off` added to the latter). */
static const char *hear(int fd, int from, const char *stream, int off)
{
	const int terminal = dup(STDERR_FILENO);
	char variable[64];
	struct stat at;
	ssize_t length;

	assert_int_equal(fstat(fd, &at), 0);
	snprintf(variable, sizeof(variable), "%llu:%llu", (unsigned long long)at.st_dev,
		 (unsigned long long)at.st_ino + off);
	if (stream)
		setenv("JOURNAL_STREAM", *stream ? stream : variable, 1);
	else
		unsetenv("JOURNAL_STREAM");
	dup2(fd, STDERR_FILENO);
	say_all();
	dup2(terminal, STDERR_FILENO);
	close(terminal);
	unsetenv("JOURNAL_STREAM");
	length = read(from, said, sizeof(said) - 1);
	assert_true(length > 0);
	said[length] = '\0';
	return said;
}

#define PLAIN                                                                                      \
	"weir: no memory\nweir: warning: 3 left\nweir: wa: refused\nweir: reloaded\n"              \
	"weir: flows: 7\n"
#define JOURNAL                                                                                    \
	"<3>weir: no memory\n<4>weir: warning: 3 left\n<4>weir: wa: refused\n<5>weir: reloaded\n"  \
	"<6>weir: flows: 7\n"

static void lines_to_the_journal_begin_with_their_priority(void **state)
{
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	assert_string_equal(hear(ends[1], ends[0], "", 0), JOURNAL);
	close(ends[0]);
	close(ends[1]);
}

static void lines_to_people_do_not(void **state)
{
	static const char *const streams[] = {NULL, "8:", "8", ":", "x:y", "0:0", "8:9 ", "-1:-1"};
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	for (size_t i = 0; i < sizeof(streams) / sizeof(streams[0]); i++)
		assert_string_equal(hear(ends[1], ends[0], streams[i], 0), PLAIN);
	/* The journal is another one: standard error was redirected. */
	assert_string_equal(hear(ends[1], ends[0], "", 1), PLAIN);
	close(ends[0]);
	close(ends[1]);
}

static void a_file_may_stand_for_the_journal(void **state)
{
	char path[] = "/tmp/weir-test-log-XXXXXX";
	const int fd = mkstemp(path), from = fd < 0 ? -1 : open(path, O_RDONLY);

	assert_true(from >= 0);
	unlink(path);
	assert_string_equal(hear(fd, from, "", 0), JOURNAL);
	close(from);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_to_the_journal_begin_with_their_priority),
		cmocka_unit_test(lines_to_people_do_not),
		cmocka_unit_test(a_file_may_stand_for_the_journal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
