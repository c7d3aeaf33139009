// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "view/page.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static unsigned int count_lines(const char *text)
{
	unsigned int lines = 0;

	for (; *text; text++)
		lines += *text == '\n';
	return lines;
}

/* Where line n begins, from 0 on. */
static const char *find_line(const char *text, unsigned int n)
{
	while (n--)
		text = strchr(text, '\n') + 1;
	return text;
}

static void share(unsigned int rows, const unsigned int want[PAGE_PARTS],
		  unsigned int have[PAGE_PARTS])
{
	static const struct {
		enum page_part part;
		unsigned int most;
	} turns[] = {
		{PAGE_TOTALS, 9},     {PAGE_NOTES, 3},         {PAGE_HEAD, 2},
		{PAGE_QUERIES, 5},    {PAGE_TOTALS, INT_MAX},  {PAGE_NOTES, INT_MAX},
		{PAGE_HEAD, INT_MAX}, {PAGE_QUERIES, INT_MAX},
	};

	memset(have, 0, PAGE_PARTS * sizeof(*have));
	for (size_t i = 0; i < sizeof(turns) / sizeof(turns[0]); i++) {
		const enum page_part p = turns[i].part;
		unsigned int upto = want[p] < turns[i].most ? want[p] : turns[i].most;
		unsigned int more = upto > have[p] ? upto - have[p] : 0;

		more = more < rows ? more : rows;
		have[p] += more;
		rows -= more;
	}
}

static void print_lines(const char *text, unsigned int n, unsigned int count, FILE *out)
{
	const char *begin = find_line(text, n), *end = find_line(begin, count);

	fwrite(begin, 1, end - begin, out);
}

/* `rows` of its `lines`, one of them to say that there are others. */
static void print_part(enum page_part part, const char *text, unsigned int lines, unsigned int rows,
		       FILE *out)
{
	const unsigned int left_out = lines - rows + 1;

	if (rows == lines) {
		fputs(text, out);
	} else if (rows && part == PAGE_NOTES) {
		fprintf(out, "... %u more" PAGE_EOL, left_out);
		print_lines(text, left_out, rows - 1, out);
	} else if (rows) {
		print_lines(text, 0, rows - 1, out);
		fprintf(out, "... %u more" PAGE_EOL, left_out);
	}
}

int page_print(char *const text[PAGE_PARTS], unsigned int rows, FILE *out)
{
	unsigned int want[PAGE_PARTS], have[PAGE_PARTS], lines = 0;
	char *page = NULL;
	size_t size = 0;
	FILE *whole = open_memstream(&page, &size);

	if (!whole)
		return -ENOMEM;
	for (int p = 0; p < PAGE_PARTS; p++)
		want[p] = count_lines(text[p]);
	share(rows, want, have);
	for (int p = 0; p < PAGE_PARTS; p++) {
		print_part(p, text[p], want[p], have[p], whole);
		lines += have[p];
	}
	if (fclose(whole)) {
		free(page);
		return -ENOMEM;
	}
	fwrite(page, 1, lines == rows && size ? size - 1 : size, out);
	free(page);
	return 0;
}

/* --- The terminal ---------------------------------------------------------------------- */

void page_open(void)
{
	fputs("\033[?25l\033[H\033[2J", stdout);
	fflush(stdout);
}

void page_close(void)
{
	fputs("\033[?25h\n", stdout);
	fflush(stdout);
}

static unsigned int terminal_rows(void)
{
	struct winsize window = {};

	return !ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) && window.ws_row ? window.ws_row : 24;
}

int page_redraw(void (*draw)(const void *context, FILE *part[PAGE_PARTS]), const void *context)
{
	FILE *part[PAGE_PARTS] = {};
	char *text[PAGE_PARTS] = {};
	size_t size[PAGE_PARTS];
	int code = 0;

	for (int p = 0; p < PAGE_PARTS && !code; p++) {
		part[p] = open_memstream(&text[p], &size[p]);
		code = part[p] ? 0 : -ENOMEM;
	}
	if (!code)
		draw(context, part);
	for (int p = 0; p < PAGE_PARTS; p++)
		if (part[p] && fclose(part[p]))
			code = -ENOMEM;
	if (!code) {
		fputs("\033[H", stdout);
		code = page_print(text, terminal_rows(), stdout);
		fputs("\033[J", stdout);
	}
	for (int p = 0; p < PAGE_PARTS; p++)
		free(text[p]);
	return code;
}
