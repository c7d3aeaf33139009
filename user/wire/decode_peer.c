// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What is remembered of exporters: peers, their domains, sequences and waiting data.
 *
 * The problem: all of it is made because somebody sent a datagram, and a sender's address costs him
 * nothing. So whatever is kept has a bound, and the bound must hit who misuses it, not others.
 *
 * The idea: one account of memory for the whole decoder (wire_alloc(), wire_release()). When it is
 * full, the peer that was silent longest is forgotten whole; peers are kept in the order in which
 * they were last heard, so that is the first of the list. Within a peer the numbers of domains and
 * templates and the bytes of waiting data have bounds of their own, and there the newcomer is
 * refused.
 *
 *   Memory                       the account
 *   Peers                        found by address, moved to the end when heard; their domains
 *   Data before their template   kept for a while, decoded when the template comes
 *   Time and sequence            what expires; what is missing, late, or a new beginning
 */
#include <stdlib.h>

#include "wire/decode_internal.h"

/* Sequence numbers up to so far behind are late, up to so far ahead mean losses; the rest are new
 * beginnings. */
#define LATE_MAX 10000
#define LOST_MAX 1000000

/* Each set that waits takes this much of max_held_bytes at least: whenever a template comes they are
 * all looked at, so their number has to have a bound too. */
#define HELD_BYTES_MIN 1024

#define ROOM_FIRST 8 /* elements that an array has room for at first; it doubles */

/* --- Memory ------------------------------------------------------------------------------- */

static void forget(struct wire_decoder *d, struct peer *p)
{
	d->counts.count[WIRE_COUNT_FORGOTTEN]++;
	wire_peer_free(d, p);
}

void *wire_alloc(struct wire_decoder *d, size_t bytes, const struct peer *keep)
{
	void *memory;

	while (d->bytes + bytes > d->options.max_bytes) {
		struct peer *oldest = d->peers;

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

void *wire_grow(const struct work *w, void *array, unsigned int count, unsigned int *room,
		size_t bytes)
{
	unsigned int larger = *room ? 2 * *room : ROOM_FIRST;
	void *more;

	if (count < *room)
		return array;
	more = wire_alloc(w->d, larger * bytes, w->peer);
	if (!more)
		return NULL;
	if (count)
		memcpy(more, array, count * bytes);
	wire_release(w->d, array, *room * bytes);
	*room = larger;
	return more;
}

/* --- Peers ------------------------------------------------------------------------------ */

static size_t held_charge(size_t length)
{
	size_t bytes = sizeof(struct held) + length;

	return bytes > HELD_BYTES_MIN ? bytes : HELD_BYTES_MIN;
}

static void drop_held(struct wire_decoder *d, struct peer *p, struct held **at)
{
	struct held *h = *at;

	*at = h->next;
	if (!*at)
		p->held_end = at;
	p->held_bytes -= held_charge(h->length);
	wire_release(d, h, sizeof(*h) + h->length);
}

static void give_up(struct wire_decoder *d, struct peer *p, struct held **at)
{
	d->counts.count[WIRE_COUNT_NO_TEMPLATE]++;
	p->counts.count[WIRE_COUNT_NO_TEMPLATE]++;
	drop_held(d, p, at);
}

static void domain_free(struct wire_decoder *d, struct peer *p, struct domain *domain)
{
	while (domain->templates)
		wire_template_drop(d, p, domain, domain->templates - 1);
	wire_release(d, domain->template, domain->room * sizeof(*domain->template));
	wire_rates_free(d, p, &domain->rates);
	wire_release(d, domain, sizeof(*domain));
}

void wire_peer_free(struct wire_decoder *d, struct peer *p)
{
	while (p->held)
		give_up(d, p, &p->held);
	while (p->domain) {
		struct domain *domain = p->domain;

		p->domain = domain->next;
		domain_free(d, p, domain);
	}
	HASH_DEL(d->peers, p);
	wire_release(d, p, sizeof(*p));
}

struct peer *wire_peer_of(struct wire_decoder *d, const struct wire_peer *key)
{
	struct peer *p;

	HASH_FIND(hh, d->peers, key, sizeof(*key), p);
	if (p) {
		if (p->hh.next) {
			HASH_DEL(d->peers, p);
			HASH_ADD(hh, d->peers, key, sizeof(p->key), p);
		}
		return p;
	}
	if (HASH_COUNT(d->peers) >= d->options.max_peers)
		forget(d, d->peers);
	p = wire_alloc(d, sizeof(*p), NULL);
	if (!p)
		return NULL;
	p->key = *key;
	p->held_end = &p->held;
	HASH_ADD(hh, d->peers, key, sizeof(p->key), p);
	if (!p->hh.tbl) {
		wire_release(d, p, sizeof(*p));
		return NULL;
	}
	return p;
}

/* Where the domain hangs, or would. */
static struct domain **place_of(struct peer *p, enum wire_protocol protocol, __u32 id)
{
	struct domain **at = &p->domain;

	while (*at && ((*at)->origin.domain != id || (*at)->origin.protocol != protocol))
		at = &(*at)->next;
	return at;
}

struct domain *wire_domain_find(struct peer *p, enum wire_protocol protocol, __u32 id)
{
	return *place_of(p, protocol, id);
}

/* To the front: the next message is of this domain, most likely. */
static struct domain *find_domain(struct peer *p, enum wire_protocol protocol, __u32 id)
{
	struct domain **at = place_of(p, protocol, id), *domain = *at;

	if (!domain || at == &p->domain)
		return domain;
	*at = domain->next;
	domain->next = p->domain;
	p->domain = domain;
	return domain;
}

static struct flow_origin origin_of(const struct wire_peer *peer, enum wire_protocol protocol,
				    __u32 domain)
{
	struct flow_origin origin = {
		.port = peer->port,
		.family = peer->family,
		.protocol = protocol,
		.session = peer->session,
		.domain = domain,
	};

	memcpy(origin.address, peer->address, sizeof(origin.address));
	return origin;
}

struct domain *wire_domain_of(struct work *w, enum wire_protocol protocol, __u32 id)
{
	struct peer *p = w->peer;
	struct domain *domain = find_domain(p, protocol, id);

	if (!domain && p->domains < w->d->options.max_domains) {
		domain = wire_alloc(w->d, sizeof(*domain), p);
		if (domain) {
			domain->origin = origin_of(&p->key, protocol, id);
			domain->next = p->domain;
			p->domain = domain;
			p->domains++;
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
	struct peer *p = w->peer;
	struct held *h = NULL;

	if (p->held_bytes + held_charge(length) <= w->d->options.max_held_bytes)
		h = wire_alloc(w->d, sizeof(*h) + length, p);
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
	*p->held_end = h;
	p->held_end = &h->next;
	p->held_bytes += held_charge(length);
	wire_tally(w, WIRE_COUNT_HELD, 1);
}

void wire_unhold(struct work *w, const struct template *t)
{
	struct held **at = &w->peer->held;
	struct work then = *w;

	while (*at) {
		struct held *h = *at;

		if (h->domain != w->domain || h->set_id != t->id) {
			at = &h->next;
			continue;
		}
		then.frame = h->frame;
		wire_boot(h->domain, &then.frame);
		wire_read_data(&then, t, h->data, h->data + h->length);
		drop_held(w->d, w->peer, at);
	}
}

/* --- Time and sequence --------------------------------------------------------------------- */

static bool is_over(__u64 since_ns, __u64 now_ns, __u64 lifetime_ns)
{
	return now_ns > since_ns && now_ns - since_ns > lifetime_ns;
}

static void expire_templates(struct wire_decoder *d, struct peer *p, struct domain *domain,
			     __u64 now_ns)
{
	for (unsigned int i = domain->templates; i--;) {
		if (!is_over(domain->template[i] -> told_ns, now_ns,
			     d -> options.template_lifetime_ns))
			continue;
		wire_template_drop(d, p, domain, i);
		d->counts.count[WIRE_COUNT_EXPIRED]++;
		p->counts.count[WIRE_COUNT_EXPIRED]++;
	}
}

static bool has_held(const struct peer *p, const struct domain *domain)
{
	for (const struct held *h = p->held; h; h = h->next) {
		if (h->domain == domain)
			return true;
	}
	return false;
}

static void expire_domains(struct wire_decoder *d, struct peer *p, __u64 now_ns)
{
	struct domain **at = &p->domain;

	while (*at) {
		struct domain *domain = *at;

		expire_templates(d, p, domain, now_ns);
		wire_rates_expire(d, p, &domain->rates, now_ns);
		if (domain->templates || has_held(p, domain) ||
		    !is_over(domain->heard_ns, now_ns, d->options.template_lifetime_ns)) {
			at = &domain->next;
			continue;
		}
		*at = domain->next;
		p->domains--;
		domain_free(d, p, domain);
	}
}

void wire_decoder_expire(struct wire_decoder *d, __u64 now_ns)
{
	for (struct peer *p = d->peers; p; p = p->hh.next) {
		while (p->held && is_over(p->held->since_ns, now_ns, d->options.held_lifetime_ns))
			give_up(d, p, &p->held);
		if (!p->key.session)
			expire_domains(d, p, now_ns);
	}
}

/* Ports of one peer count each for itself. */
static struct sequence *sequence_of(struct domain *domain, __u16 port)
{
	struct sequence *s;

	for (unsigned int i = 0; i < domain->sequences && i < SEQUENCES; i++) {
		if (domain->sequence[i].port == port)
			return &domain->sequence[i];
	}
	s = &domain->sequence[domain->sequences++ % SEQUENCES];
	*s = (struct sequence){.port = port};
	return s;
}

/*
 * A message that comes late was counted as lost when the later one came, so it is taken off again.
 * Where the records of a message could not be counted, the next message starts the count anew.
 */
void wire_sequence(struct work *w, __u32 sequence, __u32 step, enum wire_count lost)
{
	struct sequence *s = sequence_of(w->domain, w->port);
	__s32 ahead = sequence - s->next;

	if (s->known && ahead < 0 && ahead >= -LATE_MAX) {
		__u64 *total = &w->d->counts.count[lost], *own = &w->peer->counts.count[lost];
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
