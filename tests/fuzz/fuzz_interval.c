/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A stream of messages into one reader: length (2 bytes), the message. What is read can be written,
 * and then reads the same.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "interval/words.h"
#include "wire/message.h"

static void check(int holds)
{
	if (!holds)
		abort();
}

static int keep(void *context, const struct interval_word *word)
{
	*(struct interval_word *)context = *word;
	return 0;
}

static int hear(void *context, const struct interval_word *word)
{
	struct interval_writer *writer = context;
	static __u8 out[2 * INTERVAL_MESSAGE_MAX];
	struct interval_word again = {.kind = INTERVAL_WORDS};
	struct interval_reader *r = interval_reader_new(INTERVAL_MESSAGE_MAX);
	struct why why = {};
	unsigned int taken;
	ssize_t length;

	writer->announced = false;
	length = interval_write(writer, word, 1, 0, out, sizeof(out), &taken);
	check(r && length > 0 && taken == 1);
	for (ssize_t at = 0; at < length; at += wire_get16(out + at + 2))
		check(!interval_read(r, out + at, wire_get16(out + at + 2), keep, &again, &why));
	check(!memcmp(&again, word, sizeof(again)));
	interval_reader_free(r);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct interval_reader *r = interval_reader_new(INTERVAL_MESSAGE_MAX);
	struct interval_writer writer = {.domain = 1};
	struct why why = {};

	check(r != NULL);
	while (size > 2) {
		size_t length = wire_get16(data);
		__u8 *message;
		int err;

		size -= 2;
		data += 2;
		length = length < size ? length : size;
		message = malloc(length + !length);
		check(message != NULL);
		memcpy(message, data, length);
		why.text[0] = 0;
		err = interval_read(r, message, length, hear, &writer, &why);
		check(!err == !why.text[0]);
		check(memchr(why.text, 0, sizeof(why.text)) != NULL);
		free(message);
		data += length;
		size -= length;
	}
	interval_reader_free(r);
	return 0;
}
