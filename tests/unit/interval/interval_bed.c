// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "unit/interval/interval_bed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static int hear(void *context, const struct interval_word *word)
{
	struct ear *ear = context;

	assert_true(ear->words < EAR_WORDS);
	ear->word[ear->words++] = *word;
	return ear->stop;
}

struct ear *ear_new(void)
{
	struct ear *ear = calloc(1, sizeof(*ear));

	assert_non_null(ear);
	ear->r = interval_reader_new(INTERVAL_MESSAGE_MAX);
	assert_non_null(ear->r);
	return ear;
}

void ear_free(struct ear *ear)
{
	interval_reader_free(ear->r);
	free(ear);
}

/* From memory of its own, so that reading beyond the end is found. */
int ear_take(struct ear *ear, const void *message, size_t length)
{
	__u8 *copy = malloc(length ? length : 1);
	int err;

	assert_non_null(copy);
	memcpy(copy, message, length);
	ear->why.text[0] = 0;
	err = interval_read(ear->r, copy, length, hear, ear, &ear->why);
	free(copy);
	return err;
}
