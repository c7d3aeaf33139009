/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A reader of words whose findings are kept. */
#ifndef TESTS_INTERVAL_BED_H
#define TESTS_INTERVAL_BED_H

#include "interval/words.h"

#define EAR_WORDS 512

/* A reader, and what it read. */
struct ear {
	struct interval_reader *r;
	unsigned int words;
	struct interval_word word[EAR_WORDS];
	int stop; /* what is returned for each word */
	struct why why;
};

struct ear *ear_new(void);
void ear_free(struct ear *ear);
/* interval_read() of one message. */
int ear_take(struct ear *ear, const void *message, size_t length);

#endif
