/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A snapshot as people read it: the table of a terminal (screen.c), what weir run prints into a pipe,
 * and the topics of weir show (lines.c). */
#ifndef VIEW_PRINT_H
#define VIEW_PRINT_H

#include <stdio.h>

#include "view/notes.h"
#include "view/snapshot.h"

/* Draws over what was drawn before; page_open() comes first. Numbers that the snapshot does not have
 * are left out. 0 or -ENOMEM. */
int screen_draw(const struct snapshot *s, const struct notes *notes);

/* weir run: each second, and when it has stopped. */
void lines_second(const struct snapshot *s, FILE *out);
void lines_stopped(const struct snapshot *s, FILE *out);

/* weir show. */
void lines_status(const struct snapshot *s, FILE *out);
void lines_queries_head(FILE *out);
void lines_query(const struct snapshot_query *q, FILE *out);
void lines_interface(const struct snapshot *s, unsigned int interface, FILE *out);
/* A line of those that count packets of that one too, if there are any. */
void lines_twice(const struct snapshot *s, unsigned int interface, const char *margin, FILE *out);
void lines_exporters(const struct snapshot *s, FILE *out);
void lines_losses(const struct snapshot *s, FILE *out);

#endif
