// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "view/notes.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "view/page.h"
#include "view/text.h"

#define LINE_CHARS 70

__attribute__((format(printf, 3, 0))) static void say(struct notes *n, enum log_priority priority,
						      const char *format, va_list args)
{
	char text[NOTE_BYTES];

	vsnprintf(text, sizeof(text), format, args);
	if (!n->drawn)
		log_say(priority, "%s", text);
	if (!n->screen)
		return;
	if (n->count == NOTES_MAX) {
		memmove(&n->note[0], &n->note[1], sizeof(n->note) - sizeof(n->note[0]));
		n->count--;
	}
	memcpy(n->note[n->count].text, text, sizeof(text));
	n->note[n->count++].at = clock_unix_ns() / WEIR_NS_PER_SEC;
}

void notes_say(struct notes *n, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(n, LOG_PRIORITY_NOTICE, format, args);
	va_end(args);
}

void notes_warn(struct notes *n, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(n, LOG_PRIORITY_WARNING, format, args);
	va_end(args);
}

/* So much of the text fits on a line: up to a blank, if there is one. */
static size_t fitting(const char *text)
{
	const size_t length = strlen(text);

	if (length <= LINE_CHARS)
		return length;
	for (size_t at = LINE_CHARS; at; at--)
		if (text[at] == ' ')
			return at;
	return LINE_CHARS;
}

void notes_draw(const struct notes *n, FILE *out)
{
	if (n->count)
		fputs(PAGE_EOL, out);
	for (unsigned int i = 0; i < n->count; i++) {
		const char *text = n->note[i].text;
		char clock[TEXT_TIME_BYTES];

		text_clock(n->note[i].at, clock);
		while (*text) {
			size_t length = fitting(text);

			fprintf(out, "%8s %.*s" PAGE_EOL, clock, (int)length, text);
			text += length + (text[length] == ' ');
			clock[0] = '\0';
		}
	}
}
