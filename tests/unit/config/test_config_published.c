/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What people read of the keys and their defaults: the manual, README, the packaged file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "cli/verbs.h"
#include "reading.h"
#include "weir/query.h"

#define KEYS_MAX 128

/* For the manual. */
const struct verb *const verbs[] = {NULL};

static struct row {
	char path[SECTION_PATH_BYTES];
	const struct key *key;
	bool published; /* in a table of README */
} rows[KEYS_MAX];
static unsigned int row_count;

static void add_row(void *context, const char *path, const struct key *key)
{
	struct row *row = &rows[row_count++];

	assert_in_range(row_count, 1, KEYS_MAX);
	assert_true(strlen(path) < sizeof(row->path));
	strcpy(row->path, path);
	row->key = key;
}

static int collect(void **state)
{
	section_walk(&config_section, "", add_row, NULL);
	return 0;
}

static struct row *find_row(const char *section, const char *name)
{
	char path[2 * SECTION_PATH_BYTES];

	snprintf(path, sizeof(path), "%s.%s", section, name);
	for (unsigned int i = 0; i < row_count; i++) {
		if (!strcmp(rows[i].path, path))
			return &rows[i];
	}
	return NULL;
}

static const char *default_of(const struct key *key)
{
	return key->standard ? key->standard : key->without ? key->without : "";
}

static void every_key_has_a_text_and_says_what_is_without_it(void **state)
{
	assert_in_range(row_count, 60, KEYS_MAX);
	for (unsigned int i = 0; i < row_count; i++) {
		const struct key *key = rows[i].key;
		const bool none = key->type == KEY_SECTION || key->type == KEY_NAMED ||
				  key->type == KEY_SET || key->required;

		if (!key->help || (none ? key->standard != NULL : !*default_of(key)))
			fail_msg("%s", rows[i].path);
	}
}

/* Those of lists are read with an empty file, those of items by this alone. */
static void every_default_is_what_its_own_key_takes(void **state)
{
	char *options = malloc(sizeof(struct config));
	unsigned int count = 0;

	for (unsigned int i = 0; i < row_count; i++) {
		const struct key *key = rows[i].key;
		const struct section_value standard = {.text = key->standard};
		struct why why = {0};
		struct section_reader r = {.why = &why};

		if (!key->standard || key->type == KEY_LIST)
			continue;
		memset(options, 0, sizeof(struct config));
		if (section_read(&r, &standard, key, options))
			fail_msg("the default of %s: %s", rows[i].path, why.text);
		if (key->type == KEY_NAME || key->type == KEY_PATH)
			section_free_text(options);
		else if (key->free)
			key->free(options);
		count++;
	}
	assert_in_range(count, 30, row_count);
	free(options);
}

/* In the manual's source - is \-, and a default of several lines is a block of its own. */
static const char *in_troff(const char *text, char *out)
{
	char *to = out;

	for (; *text; text++) {
		if (*text == '-')
			*to++ = '\\';
		*to++ = *text;
	}
	*to = 0;
	return out;
}

static void the_manual_has_every_key_with_its_default(void **state)
{
	char *manual, text[1024], standard[512];
	size_t size;
	FILE *out = open_memstream(&manual, &size);

	help_manual(out);
	fclose(out);
	for (unsigned int i = 0; i < row_count; i++) {
		const struct key *key = rows[i].key;
		const bool block = strchr(default_of(key), '\n');

		assert_true(block || strlen(default_of(key)) < sizeof(standard) / 2);
		if (block || (!key->required && !*default_of(key)))
			snprintf(text, sizeof(text), "\\fB%.127s\\fR\n", rows[i].path);
		else
			snprintf(text, sizeof(text), "\\fB%.127s\\fR (%s)\n", rows[i].path,
				 key->required ? "required" : in_troff(default_of(key), standard));
		if (!strstr(manual, text))
			fail_msg("the manual lacks: %s", text);
	}
	assert_non_null(strstr(manual, "\\fBcoordinate.connections\\fR (16384)\n"));
	free(manual);
}

/* The tests run in the top folder of the source. */
static char *read_source(const char *path)
{
	static char text[1 << 16];
	FILE *f = fopen(path, "r");
	size_t length;

	assert_non_null(f);
	length = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	assert_in_range(length, 1, sizeof(text) - 2);
	text[length] = 0;
	return text;
}

/* The part of a list "a, b" that begins at *at, without blanks and backticks; NULL: no more. */
static const char *next_part(char **at, char *out, size_t size)
{
	size_t length;

	*at += strspn(*at, " ,`");
	if (!**at)
		return NULL;
	length = strcspn(*at, ",`");
	snprintf(out, size, "%.*s", (int)length, *at);
	while (length && out[length - 1] == ' ')
		out[--length] = 0;
	*at += strcspn(*at, ",");
	return out;
}

/* "| `a`, `b` | 1, 2 | ...": one default for each key, or one for all of them. */
static void check_readme_row(const char *section, char *row)
{
	char *save, *names = strtok_r(row, "|", &save), *defaults = strtok_r(NULL, "|", &save);
	char name[64], value[128] = "";

	assert_non_null(defaults);
	while (next_part(&names, name, sizeof(name))) {
		struct row *found = find_row(section, name);

		if (!found && !strcmp(section, "distinct"))
			found = find_row("queries.distinct", name);
		if (!found)
			fail_msg("README has %s.%s, which is no key", section, name);
		next_part(&defaults, value, sizeof(value));
		if (strcmp(value, default_of(found->key)))
			fail_msg("README's default of %s.%s is '%s'", section, name, value);
		found->published = true;
	}
}

static void check_readme_table(const char *section, char *rest)
{
	char *line = strstr(rest, "\n|---");

	assert_non_null(line);
	line = strchr(line + 1, '\n') + 1;
	while (*line == '|') {
		char *end = strchr(line, '\n');

		*end = 0;
		check_readme_row(section, line);
		line = end + 1;
	}
}

static void the_tables_of_the_readme_have_every_key_of_their_section_with_its_default(void **state)
{
	static const char *const sections[] = {"distinct", "export", "coordinate"};

	for (size_t i = 0; i < COUNT(sections); i++) {
		char header[64], *at;
		size_t length;

		snprintf(header, sizeof(header), "| key of `%s` | default |", sections[i]);
		at = strstr(read_source("README.md"), header);
		if (!at)
			fail_msg("README lacks the table of %s", sections[i]);
		check_readme_table(sections[i], at);
		length = strlen(sections[i]);
		for (unsigned int r = 0; r < row_count; r++) {
			const char *path = rows[r].path;

			if (!strncmp(path, sections[i], length) && path[length] == '.' &&
			    !strchr(path + length + 1, '.') && !rows[r].published)
				fail_msg("README's table of %s lacks %s", sections[i], path);
		}
	}
}

static void must_compile(const char *text, struct config *config, struct weir_tables *tables)
{
	struct query_error wrong;

	must_read(text, config);
	memset(tables, 0, sizeof(*tables));
	if (config_compile(config, tables, &wrong))
		fail_msg("%s", wrong.why.text);
}

static void the_examples_of_the_readme_are_accepted(void **state)
{
	static const unsigned int exports[] = {0, 0, 4, 0, 0};
	struct weir_tables *t = malloc(sizeof(*t));
	char *at = read_source("README.md");
	size_t count = 0;
	struct config c;

	while ((at = strstr(at, "```yaml\n")) != NULL) {
		char *end = strstr(at += strlen("```yaml\n"), "```");

		assert_non_null(end);
		*end = 0;
		assert_true(count < COUNT(exports));
		must_compile(at, &c, t);
		assert_int_equal(c.export_count, exports[count++]);
		config_free(&c);
		at = end + 1;
	}
	assert_int_equal(count, COUNT(exports));
	free(t);
}

/* "#key" and "#  key" are left out, "# Text" is a comment. */
static void the_packaged_file_is_accepted_with_what_it_leaves_out_too(void **state)
{
	struct weir_tables *t = malloc(sizeof(*t));
	char *text = read_source("packaging/weir.yaml");
	struct config c;

	must_compile(text, &c, t);
	assert_int_equal(c.export_count, 0);
	assert_null(c.report.address.text);
	config_free(&c);
	for (char *line = text; line; line = strchr(line + 1, '\n')) {
		char *mark = *line == '\n' ? line + 1 : line;

		if (mark[0] == '#' && mark[1] && (mark[1] != ' ' || mark[2] == ' '))
			memmove(mark, mark + 1, strlen(mark));
	}
	must_compile(text, &c, t);
	assert_int_equal(c.export_count, 4);
	assert_int_equal(c.report.host, 5);
	assert_int_equal(c.coordinate.parent.host, 12);
	config_free(&c);
	free(t);
}

/* But for interfaces, groups, and `inside`, which is spelt out. */
static void the_packaged_file_says_what_holds_without_it(void **state)
{
	struct weir_tables *own = malloc(sizeof(*own)), *usual = malloc(sizeof(*usual));
	struct config packaged, c;

	must_compile("", &c, usual);
	must_compile(read_source("packaging/weir.yaml"), &packaged, own);
	assert_memory_equal(&packaged.timeouts, &c.timeouts, sizeof(c.timeouts));
	assert_int_equal(packaged.flow_size, c.flow_size);
	assert_int_equal(packaged.inner, c.inner);
	assert_memory_equal(&packaged.attach, &c.attach, sizeof(c.attach));
	assert_int_equal(packaged.query_count, c.query_count);
	for (unsigned int q = 0; q < c.query_count; q++) {
		assert_string_equal(packaged.queries[q].name, c.queries[q].name);
		assert_int_equal(packaged.queries[q].measure, c.queries[q].measure);
		assert_int_equal(packaged.queries[q].window_s, c.queries[q].window_s);
	}
	/* The matches differ in parentheses, not in what they match. */
	assert_memory_equal(own, usual, sizeof(*own));
	config_free(&packaged);
	config_free(&c);
	free(own);
	free(usual);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_key_has_a_text_and_says_what_is_without_it),
		cmocka_unit_test(every_default_is_what_its_own_key_takes),
		cmocka_unit_test(the_manual_has_every_key_with_its_default),
		cmocka_unit_test(
			the_tables_of_the_readme_have_every_key_of_their_section_with_its_default),
		cmocka_unit_test(the_examples_of_the_readme_are_accepted),
		cmocka_unit_test(the_packaged_file_is_accepted_with_what_it_leaves_out_too),
		cmocka_unit_test(the_packaged_file_says_what_holds_without_it),
	};

	return cmocka_run_group_tests(tests, collect, NULL);
}
