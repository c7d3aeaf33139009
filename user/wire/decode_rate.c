// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * At what rate the packets of a flow were sampled.
 *
 * The problem: a flow record seldom has its own sampling rate. Options data have rates of samplers,
 * interfaces, line cards, templates or the domain, and an exporter may have many of each, at
 * different rates. The rate of something else makes counts wrong by orders of magnitude, and nothing
 * shows it.
 *
 * The idea: rates are kept by what they apply to, and a flow has the first of
 *
 *   its own        the record has the rate
 *   sampler        the one that it names: no other's rate ever stands in for that one
 *   template       its record's
 *   interface      where it came in; of an egress flow, where it left
 *   line card      that it names
 *   domain
 *   agreed         it names nothing that has a rate, and all known rates are the same
 *
 * and otherwise an unknown one. A domain without rates has those of the exporter's domain 0, which
 * stands for the exporter as a whole (RFC 7011, 3.1).
 *
 * All of it is bound by options.max_rates for a peer; rates of datagrams expire.
 */
#include "base/search.h"
#include "wire/decode_internal.h"

/* PSAMP's selectorAlgorithm. */
#define ALGORITHM_COUNT 1       /* systematic, by count */
#define ALGORITHM_N_OF_N 3      /* random, so many of so many */
#define ALGORITHM_PROBABILITY 4 /* random, each alike */

/* --- In numbers ------------------------------------------------------------------------------ */

/* Rounded; what is no rate, or less than one in one, is 0. */
static __u32 ratio(double all, double taken)
{
	const double rate = taken > 0 ? all / taken : 0;

	if (!(rate >= 1))
		return 0;
	return rate < 0xffffffff ? (__u32)(rate + 0.5) : 0xffffffff;
}

/*
 * If a record has several, the algorithm says which is meant; otherwise the most specific holds.
 *
 * Some exporters send how many packets are taken, without the space between: 1 means all of them;
 * more could mean that too, or one of so many, and is unknown.
 */
__u32 wire_rate_of(const struct rate_words *words)
{
	const __u32 n_of_n = ratio(words->population, words->size);
	const __u32 by_count =
		words->space_told ? ratio((double)words->packets + words->space, words->packets)
				  : words->packets == 1;
	const __u32 by_probability = ratio(1, words->probability);

	if (words->algorithm == ALGORITHM_COUNT && by_count)
		return by_count;
	if (words->algorithm == ALGORITHM_N_OF_N && n_of_n)
		return n_of_n;
	if (words->algorithm == ALGORITHM_PROBABILITY && by_probability)
		return by_probability;
	if (n_of_n || by_count)
		return n_of_n ? n_of_n : by_count;
	if (by_probability)
		return by_probability;
	return words->random_interval ? words->random_interval : words->interval;
}

/* --- Kept ------------------------------------------------------------------------------------ */

static bool is_before(const struct rate *r, enum wire_rate_scope scope, __u64 id)
{
	return r->scope != scope ? r->scope < scope : r->id < id;
}

static struct rate *find(const struct rates *r, enum wire_rate_scope scope, __u64 id)
{
	unsigned int at;

	if (!r->of[scope])
		return NULL;
	at = search_first(r->count, i, !is_before(&r->rate[i], scope, id));
	return at < r->count && r->rate[at].scope == scope && r->rate[at].id == id ? &r->rate[at]
										   : NULL;
}

static bool make_room(const struct work *w, struct rates *r)
{
	struct rate *rate = wire_grow(w, r->rate, r->count, &r->room, sizeof(*rate));

	if (rate)
		r->rate = rate;
	return rate;
}

static struct rate *insert(const struct work *w, struct rates *r, enum wire_rate_scope scope,
			   __u64 id)
{
	struct rate *place;
	unsigned int at;

	if (w->peer->rates >= w->d->options.max_rates || !make_room(w, r))
		return NULL;
	at = search_first(r->count, i, !is_before(&r->rate[i], scope, id));
	place = &r->rate[at];
	memmove(place + 1, place, (r->count++ - at) * sizeof(*place));
	r->of[scope]++;
	w->peer->rates++;
	*place = (struct rate){.id = id, .scope = scope};
	return place;
}

void wire_rate_tell(struct work *w, struct rates *r, enum wire_rate_scope scope, __u64 id,
		    __u32 rate)
{
	struct rate *place = find(r, scope, id);

	if (!place)
		place = insert(w, r, scope, id);
	if (!place) {
		wire_tally(w, WIRE_COUNT_FLOOD, 1);
		return;
	}
	place->told_ns = w->now_ns;
	r->changed |= place->rate != rate;
	place->rate = rate;
}

void wire_rates_free(struct wire_decoder *d, struct peer *p, struct rates *r)
{
	p->rates -= r->count;
	wire_release(d, r->rate, r->room * sizeof(*r->rate));
	*r = (struct rates){0};
}

void wire_rates_expire(struct wire_decoder *d, struct peer *p, struct rates *r, __u64 now_ns)
{
	unsigned int kept = 0;

	for (unsigned int i = 0; i < r->count; i++) {
		if (now_ns > r->rate[i].told_ns &&
		    now_ns - r->rate[i].told_ns > d->options.rate_lifetime_ns)
			r->of[r->rate[i].scope]--;
		else
			r->rate[kept++] = r->rate[i];
	}
	d->counts.count[WIRE_COUNT_EXPIRED_RATES] += r->count - kept;
	p->counts.count[WIRE_COUNT_EXPIRED_RATES] += r->count - kept;
	p->rates -= r->count - kept;
	r->changed |= kept < r->count;
	r->count = kept;
}

/* --- Found ----------------------------------------------------------------------------------- */

static __u32 told(const struct rates *r, enum wire_rate_scope scope, __u64 id)
{
	const struct rate *rate = find(r, scope, id);

	return rate ? rate->rate : 0;
}

static bool has(const struct flow_record *f, __u64 fields)
{
	return (f->known & fields) == fields;
}

/* By interfaces. *named: the flow names one of those that rates are told of, or might have been. */
static __u32 of_interface(const struct rates *r, const struct flow_record *f, bool *named)
{
	bool out = has(f, FIELD_BIT(DIRECTION)) && f->direction;
	bool in_known = !out && has(f, FIELD_BIT(IN_IF)) && r->of[WIRE_RATE_INTERFACE];
	bool out_known = has(f, FIELD_BIT(OUT_IF)) &&
			 (r->of[WIRE_RATE_EGRESS] || (out && r->of[WIRE_RATE_INTERFACE]));
	__u32 rate = 0;

	*named = in_known || out_known;
	if (in_known)
		rate = told(r, WIRE_RATE_INTERFACE, f->in_if);
	if (!rate && out_known && (out || !has(f, FIELD_BIT(DIRECTION))))
		rate = told(r, WIRE_RATE_EGRESS, f->out_if);
	if (!rate && out_known && out)
		rate = told(r, WIRE_RATE_INTERFACE, f->out_if);
	return rate;
}

/* named: the flow names something of a kind that has rates, but its own is unknown. */
static __u32 of_rest(const struct rates *r, bool named)
{
	__u32 rate = told(r, WIRE_RATE_DOMAIN, 0);

	return rate || named || r->of[WIRE_RATE_TEMPLATE] ? rate : r->agreed;
}

__u32 wire_rate_find(const struct work *w, const struct template *t, const struct flow_record *f)
{
	const struct aside *aside = &w->aside;
	const struct rates *r = w->rates;
	__u32 rate = t->sampling & TELLS_RATE ? wire_rate_of(&aside->rate) : 0;
	bool named = false, card = false;

	if (rate || !r)
		return rate;
	/* Many exporters send 0 for none. */
	if (t->sampling & NAMES_SAMPLER && r->of[WIRE_RATE_SAMPLER]) {
		rate = told(r, WIRE_RATE_SAMPLER, aside->sampler);
		if (rate || aside->sampler)
			return rate;
	}
	rate = told(r, WIRE_RATE_TEMPLATE, t->id);
	if (!rate)
		rate = of_interface(r, f, &named);
	if (!rate && t->sampling & NAMES_LINE_CARD && r->of[WIRE_RATE_LINE_CARD]) {
		rate = told(r, WIRE_RATE_LINE_CARD, aside->line_card);
		card = true;
	}
	return rate ? rate : of_rest(r, named || card);
}

static void agree(struct rates *r)
{
	unsigned int i = 1;

	while (i < r->count && r->rate[i].rate == r->rate[0].rate)
		i++;
	r->agreed = r->count && i == r->count ? r->rate[0].rate : 0;
	r->changed = false;
}

unsigned int wire_rate_post(struct work *w, const struct template *t)
{
	const __u64 interfaces = FIELD_BIT(IN_IF) | FIELD_BIT(OUT_IF);
	struct domain *domain = w->domain;
	struct rates *r;

	if (!domain->rates.count && domain->origin.domain)
		domain = wire_domain_find(w->peer, domain->origin.protocol, 0);
	r = domain && domain->rates.count ? &domain->rates : NULL;
	if (r && r->changed)
		agree(r);
	w->rates = r;
	w->rate = 0;
	if (t->sampling & TELLS_RATE)
		return POST_RATE;
	if (!r)
		return 0;
	if (t->sampling ||
	    (t->known & interfaces && (r->of[WIRE_RATE_INTERFACE] || r->of[WIRE_RATE_EGRESS])))
		return POST_RATE;
	w->rate = told(r, WIRE_RATE_TEMPLATE, t->id);
	if (!w->rate)
		w->rate = of_rest(r, false);
	return w->rate ? POST_SAMPLING : 0;
}
