/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Lines for people, while a program prints each second: on standard error until there is a screen,
 * and then the last of them at its bottom. */
#ifndef VIEW_NOTES_H
#define VIEW_NOTES_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <time.h>

#define NOTES_MAX 4
#define NOTE_BYTES 512

struct notes {
	bool screen; /* there is or will be one, which wipes out what came before it */
	bool drawn;  /* it has been */
	unsigned int count;
	struct {
		char text[NOTE_BYTES];
		time_t at;
	} note[NOTES_MAX];
};

/* For people: on standard error until the screen is drawn, and on the screen if there is one. */
void notes_say(struct notes *n, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The same of what does not go as was asked for: to the journal it is a warning. */
void notes_warn(struct notes *n, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Long ones go on below, behind the time. */
void notes_draw(const struct notes *n, FILE *out);

#endif
