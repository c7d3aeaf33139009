// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What is remembered of exporters: sources, their domains, sequences and waiting data. */
#include <stdlib.h>

#include "wire/decode_internal.h"

/* Sequence numbers up to so far behind are late, up to so far ahead mean losses; the rest are new
 * beginnings. */
#define LATE_MAX 10000
#define LOST_MAX 1000000

/* Each set that waits takes this much of max_held_bytes at least: whenever a template comes they are
 * all looked at, so their number has to have a bound too. */
#define HELD_BYTES_MIN 1024

/* --- Memory ------------------------------------------------------------------------------- */

static void forget(struct wire_decoder *d, struct source *s)
{
	d->counts.count[WIRE_COUNT_FORGOTTEN]++;
	wire_source_free(d, s);
}

void *wire_alloc(struct wire_decoder *d, size_t bytes, const struct source *keep)
{
	void *memory;

	while (d->bytes + bytes > d->options.max_bytes) {
		struct source *oldest = d->sources;

		if (oldest && oldest == keep)
			oldest = oldest->hh.next;
		if (!oldest)
			return NULL;
		forget(d, oldest);
	}
	memory = calloc(1, bytes);
	if (memory)
		d->bytes += bytes;
	return memory;
}

void wire_release(struct wire_decoder *d, void *memory, size_t bytes)
{
	if (!memory)
		return;
	free(memory);
	d->bytes -= bytes;
}

/* --- Sources ------------------------------------------------------------------------------ */

static size_t held_charge(size_t length)
{
	size_t bytes = sizeof(struct held) + length;

	return bytes > HELD_BYTES_MIN ? bytes : HELD_BYTES_MIN;
}

static void drop_held(struct wire_decoder *d, struct source *s, struct held **at)
{
	struct held *h = *at;

	*at = h->next;
	if (!*at)
		s->held_end = at;
	s->held_bytes -= held_charge(h->length);
	wire_release(d, h, sizeof(*h) + h->length);
}

static void give_up(struct wire_decoder *d, struct source *s, struct held **at)
{
	d->counts.count[WIRE_COUNT_NO_TEMPLATE]++;
	s->counts.count[WIRE_COUNT_NO_TEMPLATE]++;
	drop_held(d, s, at);
}

static void domain_free(struct wire_decoder *d, struct source *s, struct domain *domain)
{
	while (domain->templates)
		wire_template_drop(d, s, domain, domain->templates - 1);
	wire_release(d, domain->template, domain->room * sizeof(*domain->template));
	wire_release(d, domain, sizeof(*domain));
}

void wire_source_free(struct wire_decoder *d, struct source *s)
{
	while (s->held)
		give_up(d, s, &s->held);
	while (s->domain) {
		struct domain *domain = s->domain;

		s->domain = domain->next;
		domain_free(d, s, domain);
	}
	HASH_DEL(d->sources, s);
	wire_release(d, s, sizeof(*s));
}

struct source *wire_source_of(struct wire_decoder *d, const struct wire_source *key)
{
	struct source *s;

	HASH_FIND(hh, d->sources, key, sizeof(*key), s);
	if (s) {
		if (s->hh.next) {
			HASH_DEL(d->sources, s);
			HASH_ADD(hh, d->sources, key, sizeof(s->key), s);
		}
		return s;
	}
	if (HASH_COUNT(d->sources) >= d->options.max_sources)
		forget(d, d->sources);
	s = wire_alloc(d, sizeof(*s), NULL);
	if (!s)
		return NULL;
	s->key = *key;
	s->held_end = &s->held;
	HASH_ADD(hh, d->sources, key, sizeof(s->key), s);
	if (!s->hh.tbl) {
		wire_release(d, s, sizeof(*s));
		return NULL;
	}
	return s;
}

static struct domain *find_domain(struct source *s, enum wire_protocol protocol, __u32 id)
{
	for (struct domain **at = &s->domain; *at; at = &(*at)->next) {
		struct domain *domain = *at;

		if (domain->id != id || domain->protocol != protocol)
			continue;
		/* To the front: the next message is of this domain, most likely. */
		*at = domain->next;
		domain->next = s->domain;
		s->domain = domain;
		return domain;
	}
	return NULL;
}

struct domain *wire_domain_of(struct work *w, enum wire_protocol protocol, __u32 id)
{
	struct source *s = w->source;
	struct domain *domain = find_domain(s, protocol, id);

	if (!domain && s->domains < w->d->options.max_domains) {
		domain = wire_alloc(w->d, sizeof(*domain), s);
		if (domain) {
			domain->protocol = protocol;
			domain->id = id;
			domain->next = s->domain;
			s->domain = domain;
			s->domains++;
		}
	}
	if (domain)
		domain->heard_ns = w->now_ns;
	else
		wire_tally(w, WIRE_COUNT_FLOOD, 1);
	return domain;
}

/* --- Data before their template ------------------------------------------------------------ */

void wire_hold(struct work *w, __u16 set_id, const __u8 *data, size_t length)
{
	struct source *s = w->source;
	struct held *h = NULL;

	if (s->held_bytes + held_charge(length) <= w->d->options.max_held_bytes)
		h = wire_alloc(w->d, sizeof(*h) + length, s);
	if (!h) {
		wire_tally(w, WIRE_COUNT_NO_TEMPLATE, 1);
		return;
	}
	h->domain = w->domain;
	h->frame = w->frame;
	h->since_ns = w->now_ns;
	h->set_id = set_id;
	h->length = length;
	memcpy(h->data, data, length);
	*s->held_end = h;
	s->held_end = &h->next;
	s->held_bytes += held_charge(length);
	wire_tally(w, WIRE_COUNT_HELD, 1);
}

void wire_unhold(struct work *w, const struct template *t)
{
	struct held **at = &w->source->held;
	struct work then = *w;

	while (*at) {
		struct held *h = *at;

		if (h->domain != w->domain || h->set_id != t->id) {
			at = &h->next;
			continue;
		}
		then.frame = h->frame;
		wire_read_data(&then, t, h->data, h->data + h->length);
		drop_held(w->d, w->source, at);
	}
}

/* --- Time and sequence --------------------------------------------------------------------- */

static bool is_over(__u64 since_ns, __u64 now_ns, __u64 lifetime_ns)
{
	return now_ns > since_ns && now_ns - since_ns > lifetime_ns;
}

static void expire_templates(struct wire_decoder *d, struct source *s, struct domain *domain,
			     __u64 now_ns)
{
	for (unsigned int i = domain->templates; i--;) {
		if (!is_over(domain->template[i] -> told_ns, now_ns,
			     d -> options.template_lifetime_ns))
			continue;
		wire_template_drop(d, s, domain, i);
		d->counts.count[WIRE_COUNT_EXPIRED]++;
		s->counts.count[WIRE_COUNT_EXPIRED]++;
	}
}

static bool has_held(const struct source *s, const struct domain *domain)
{
	for (const struct held *h = s->held; h; h = h->next) {
		if (h->domain == domain)
			return true;
	}
	return false;
}

static void expire_domains(struct wire_decoder *d, struct source *s, __u64 now_ns)
{
	struct domain **at = &s->domain;

	while (*at) {
		struct domain *domain = *at;

		expire_templates(d, s, domain, now_ns);
		if (domain->templates || has_held(s, domain) ||
		    !is_over(domain->heard_ns, now_ns, d->options.template_lifetime_ns)) {
			at = &domain->next;
			continue;
		}
		*at = domain->next;
		s->domains--;
		domain_free(d, s, domain);
	}
}

void wire_decoder_expire(struct wire_decoder *d, __u64 now_ns)
{
	for (struct source *s = d->sources; s; s = s->hh.next) {
		while (s->held && is_over(s->held->since_ns, now_ns, d->options.held_lifetime_ns))
			give_up(d, s, &s->held);
		if (!s->key.session)
			expire_domains(d, s, now_ns);
	}
}

/*
 * A message that comes late was counted as lost when the later one came, so it is taken off again.
 * Where the records of a message could not be counted, the next message starts the count anew.
 */
void wire_sequence(struct work *w, __u32 sequence, __u32 step, enum wire_count lost)
{
	struct sequence *s = &w->domain->sequence;
	__s32 ahead = sequence - s->next;

	if (s->known && ahead < 0 && ahead >= -LATE_MAX) {
		__u64 *total = &w->d->counts.count[lost], *own = &w->source->counts.count[lost];
		__u64 back = step < *own ? step : *own;

		*total -= back;
		*own -= back;
		wire_tally(w, WIRE_COUNT_LATE, 1);
		return;
	}
	if (s->known && (ahead < 0 || ahead > LOST_MAX))
		wire_tally(w, WIRE_COUNT_RESTARTS, 1);
	else if (s->known)
		wire_tally(w, lost, ahead);
	s->next = sequence + step;
	s->known = w->records_known;
}
