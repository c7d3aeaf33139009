// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What a collector makes of messages: see collector.h. */
#include <dirent.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "unit/export/collector.h"

static uint16_t get16(const uint8_t *at)
{
	return at[0] << 8 | at[1];
}

static uint32_t get32(const uint8_t *at)
{
	return (uint32_t)get16(at) << 16 | get16(at + 2);
}

static uint64_t get_number(const uint8_t *at, unsigned int length)
{
	uint64_t value = 0;

	for (unsigned int i = 0; i < length; i++)
		value = value << 8 | at[i];
	return value;
}

static void take_flow(struct collector *c, uint64_t packets, uint64_t bytes)
{
	uint64_t id = packets - 1;

	/* Read by other processes, too, without the lock. */
	__atomic_store_n(&c->counts.flows, c->counts.flows + 1, __ATOMIC_RELAXED);
	c->counts.packets += packets;
	c->counts.bytes += bytes;
	if (id >= COLLECTOR_IDS)
		c->counts.malformed++;
	else if (c->seen[id]++)
		c->counts.twice++;
}

/* IPFIX: id, count, scopes of an options template; v9: id, bytes of scopes, bytes of others. */
static size_t take_template(struct collector *c, bool v9, bool options, const uint8_t *at,
			    size_t left)
{
	struct collector_template *t = NULL;
	size_t used = options ? 6 : 4;
	unsigned int count;

	if (left < used)
		return 0;
	count = v9 && options ? (get16(at + 2) + get16(at + 4)) / 4 : get16(at + 2);
	for (unsigned int i = 0; i < c->session.templates; i++) {
		if (c->session.template[i].id == get16(at))
			t = &c->session.template[i];
	}
	if (!t)
		t = &c->session.template[c->session.templates++];
	assert_true(c->session.templates <= COLLECTOR_TEMPLATES && count <= COLLECTOR_FIELDS);
	*t = (struct collector_template){.id = get16(at), .options = options, .count = count};
	for (unsigned int i = 0; i < count; i++) {
		struct collector_field *f = &t->field[i];

		f->element = get16(at + used);
		f->length = get16(at + used + 2);
		used += 4;
		if (!v9 && f->element & 0x8000) {
			f->pen = get32(at + used);
			f->element &= 0x7fff;
			used += 4;
		}
	}
	return used;
}

static size_t field_length(const struct collector_field *f, const uint8_t *at, size_t *prefix)
{
	*prefix = 0;
	if (f->length != 0xffff)
		return f->length;
	*prefix = *at == 255 ? 3 : 1;
	return *at == 255 ? get16(at + 1) : *at;
}

static size_t take_record(struct collector *c, const struct collector_template *t,
			  const uint8_t *at, size_t left)
{
	uint64_t packets[2] = {0}, bytes[2] = {0};
	size_t used = 0;

	for (unsigned int i = 0; i < t->count; i++) {
		const struct collector_field *f = &t->field[i];
		size_t prefix, length = field_length(f, at + used, &prefix);
		bool reverse = f->pen == 29305;

		used += prefix;
		if (used + length > left)
			return 0;
		if (f->element == 2 && (!f->pen || reverse))
			packets[reverse] = get_number(at + used, length);
		if (f->element == 1 && (!f->pen || reverse))
			bytes[reverse] = get_number(at + used, length);
		used += length;
	}
	if (t->options) {
		c->counts.options++;
		return used;
	}
	take_flow(c, packets[0], bytes[0]);
	if (packets[1]) {
		take_flow(c, packets[1], bytes[1]);
		c->counts.reverse++;
	}
	return used;
}

static unsigned int take_data(struct collector *c, uint16_t id, const uint8_t *at, size_t left)
{
	const struct collector_template *t = NULL;
	unsigned int records = 0;
	size_t used;

	for (unsigned int i = 0; i < c->session.templates; i++) {
		if (c->session.template[i].id == id)
			t = &c->session.template[i];
	}
	if (!t) {
		c->counts.unknown++;
		return 0;
	}
	/* What is shorter than four bytes is padding. */
	for (; left >= 4; at += used, left -= used, records++) {
		used = take_record(c, t, at, left);
		if (!used) {
			c->counts.malformed++;
			break;
		}
	}
	return records;
}

/* Returns how many data records the message holds. */
static unsigned int take_sets(struct collector *c, bool v9, const uint8_t *at, size_t left)
{
	unsigned int records = 0;
	bool templates = false;

	while (left >= 4) {
		uint16_t id = get16(at), length = get16(at + 2);
		bool plain = id == (v9 ? 0 : 2), options = id == (v9 ? 1 : 3);
		size_t used;

		if (length < 4 || length > left) {
			c->counts.malformed++;
			break;
		}
		if (id >= 256)
			records += take_data(c, id, at + 4, length - 4);
		for (size_t in = 4; (plain || options) && in + 4 <= length; in += used) {
			used = take_template(c, v9, options, at + in, length - in);
			templates = true;
			if (!used)
				break;
		}
		at += length;
		left -= length;
	}
	c->counts.template_messages += templates;
	return records;
}

static void take_v5(struct collector *c, const uint8_t *message, size_t length)
{
	unsigned int count = get16(message + 2);

	if (length != 24 + 48ul * count)
		c->counts.malformed++;
	for (unsigned int i = 0; i < count && 24 + 48ul * (i + 1) <= length; i++) {
		const uint8_t *record = message + 24 + 48 * i;

		take_flow(c, get32(record + 16), get32(record + 20));
	}
}

void collector_take(struct collector *c, const uint8_t *message, size_t length)
{
	uint16_t version = length >= 16 ? get16(message) : 0;
	uint32_t sequence, step = 1;

	pthread_mutex_lock(&c->lock);
	c->counts.messages++;
	if (version == 10) {
		sequence = get32(message + 8);
		step = take_sets(c, false, message + 16, length - 16);
	} else if (version == 9 && length >= 20) {
		sequence = get32(message + 12);
		take_sets(c, true, message + 20, length - 20);
	} else if (version == 5 && length >= 24) {
		sequence = get32(message + 16);
		step = get16(message + 2);
		take_v5(c, message, length);
	} else {
		c->counts.malformed++;
		sequence = c->session.sequence;
		step = 0;
	}
	if (sequence != c->session.sequence && (c->session.begun || c->stream))
		c->counts.gaps++;
	c->session.begun = true;
	c->session.sequence = sequence + step;
	pthread_cond_broadcast(&c->changed);
	pthread_mutex_unlock(&c->lock);
}

static bool take_file(struct collector *c, const char *path)
{
	static uint8_t message[65536];
	FILE *file = fopen(path, "re");
	bool whole = true;

	assert_non_null(file);
	c->session = (struct collector_session){0};
	c->stream = true;
	c->counts.sessions++;
	while (whole && fread(message, 1, 4, file) == 4) {
		size_t rest = get16(message + 2) - 4;

		whole = fread(message + 4, 1, rest, file) == rest;
		if (whole)
			collector_take(c, message, rest + 4);
	}
	fclose(file);
	return whole;
}

struct collector_folder collector_take_folder(struct collector *c, const char *folder)
{
	struct collector_folder found = {0};
	const struct dirent *entry;
	DIR *dir = opendir(folder);
	char path[512];

	assert_non_null(dir);
	while ((entry = readdir(dir)) != NULL) {
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		if (entry->d_name[0] == '.')
			found.hidden++;
		else if (take_file(c, path))
			found.whole++;
		else
			fail_msg("%s ends within a message", path);
		unlink(path);
	}
	closedir(dir);
	return found;
}
