// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Reading templates and keeping them. */
#include "base/search.h"
#include "wire/decode_internal.h"

/* Where a template of that id is among the domain's, or would go. */
static unsigned int position(const struct domain *domain, __u16 id)
{
	return search_first(domain->templates, i, domain->template[i] -> id >= id);
}

static bool is_at(const struct domain *domain, unsigned int at, __u16 id)
{
	return at < domain->templates && domain->template[at] -> id == id;
}

void wire_template_drop(struct wire_decoder *d, struct peer *p, struct domain *domain,
			unsigned int at)
{
	struct template *t = domain->template[at];

	memmove(domain->template + at, domain->template + at + 1,
		(--domain->templates - at) * sizeof(*domain->template));
	p->templates--;
	wire_release(d, t, t->bytes);
}

struct template *wire_template_of(struct work *w, __u16 id)
{
	unsigned int at = position(w->domain, id);
	struct template *t = is_at(w->domain, at, id) ? w->domain->template[at] : NULL;

	if (!t || w->peer->key.session || w->now_ns <= t->told_ns ||
	    w->now_ns - t->told_ns <= w->d->options.template_lifetime_ns)
		return t;
	wire_template_drop(w->d, w->peer, w->domain, at);
	wire_tally(w, WIRE_COUNT_EXPIRED, 1);
	return NULL;
}

static bool make_room(struct work *w)
{
	struct domain *domain = w->domain;
	struct template **template = wire_grow(w, domain->template, domain->templates,
					       &domain->room, sizeof(struct template *));

	if (template)
		domain->template = template;
	return template;
}

/* What a message says of a template. */
struct told {
	__u16 id, count, scopes;
	const __u8 *fields;
	bool options;
};

static struct template *make(struct work *w, const struct told *told)
{
	size_t ops = WIRE_OPS(told->count) * sizeof(struct op);
	size_t bytes =
		sizeof(struct template) + ops + told->count * sizeof(struct wire_template_field);
	struct template *t = wire_alloc(w->d, bytes, w->peer);

	if (!t)
		return NULL;
	_Static_assert(sizeof(struct op) == 8, "what lies behind the operations is aligned");
	t->id = told->id;
	t->bytes = bytes;
	t->options = told->options;
	t->told_ns = w->now_ns;
	t->serial = ++w->d->serial;
	t->field_count = told->count;
	t->field = (struct wire_template_field *)((__u8 *)t->op + ops);
	return t;
}

static bool is_same(const struct template *a, const struct template *b)
{
	return a->options == b->options && a->field_count == b->field_count &&
	       !memcmp(a->field, b->field, a->field_count * sizeof(*a->field));
}

/* Takes *t over. */
static void keep(struct work *w, struct template *t)
{
	struct domain *domain = w->domain;
	unsigned int at = position(domain, t->id);
	bool known = is_at(domain, at, t->id);

	if (known && is_same(t, domain->template[at])) {
		domain->template[at] -> told_ns = w->now_ns;
		wire_release(w->d, t, t->bytes);
		wire_tally(w, WIRE_COUNT_REFRESHED, 1);
		return;
	}
	if (known) {
		wire_template_drop(w->d, w->peer, domain, at);
		wire_tally(w, WIRE_COUNT_REDEFINED, 1);
	} else if (w->peer->templates >= w->d->options.max_templates || !make_room(w)) {
		wire_release(w->d, t, t->bytes);
		wire_tally(w, WIRE_COUNT_FLOOD, 1);
		return;
	}
	memmove(domain->template + at + 1, domain->template + at,
		(domain->templates++ - at) * sizeof(*domain->template));
	domain->template[at] = t;
	w->peer->templates++;
	wire_tally(w, WIRE_COUNT_TEMPLATES, 1);
	wire_unhold(w, t);
}

/* RFC 7011, 8.1: the set's own id for a template's withdraws all of the kind. Datagrams may come in
 * any order, or from anyone, so there a withdrawal is not to be believed (8.4). */
static void withdraw(struct work *w, __u16 id, bool options)
{
	struct domain *domain = w->domain;
	bool all = id == (options ? IPFIX_SET_OPTIONS : IPFIX_SET_TEMPLATES);
	unsigned int before = domain->templates;

	for (unsigned int i = domain->templates; i-- && w->peer->key.session;) {
		if (all ? domain->template[i] -> options == options
			: domain -> template[i] -> id == id)
			wire_template_drop(w->d, w->peer, domain, i);
	}
	if (domain->templates < before)
		wire_tally(w, WIRE_COUNT_WITHDRAWN, before - domain->templates);
	else if (!all || !w->peer->key.session)
		wire_tally(w, WIRE_COUNT_WITHDRAWAL, 1);
}

/* The fields of a template; NULL: they end beyond the set. */
static const __u8 *read_fields(struct template *t, const struct told *told, bool v9,
			       const __u8 *end)
{
	const __u8 *at = told->fields;

	for (unsigned int i = 0; i < told->count && at; i++) {
		struct wire_template_field *f = &t->field[i];

		at = wire_field_at(at, end, v9, f);
		f->scope = i < told->scopes ? 1 + (v9 ? f->number : 0) : 0;
	}
	return at;
}

/* Where the next template begins; NULL: that cannot be known. */
static const __u8 *read_one(struct work *w, const struct told *told, const __u8 *end)
{
	bool v9 = w->domain->origin.protocol == WIRE_V9;
	const __u8 *at;
	struct template *t;

	if (told->count > w->d->options.max_fields) {
		wire_tally(w, WIRE_COUNT_FIELDS, 1);
		return NULL;
	}
	t = make(w, told);
	if (!t) {
		wire_tally(w, WIRE_COUNT_FLOOD, 1);
		return NULL;
	}
	at = read_fields(t, told, v9, end);
	if (at)
		wire_compile(w, t);
	if (!at || !t->min_bytes || told->id < WIRE_SET_DATA_MIN) {
		wire_tally(w, WIRE_COUNT_TEMPLATE, 1);
		wire_release(w->d, t, t->bytes);
		return at;
	}
	keep(w, t);
	return at;
}

/* The head of a template; NULL: the set is to be left, counted if it is bad. */
static const __u8 *read_head(struct work *w, const __u8 *at, const __u8 *end, struct told *told)
{
	bool v9 = w->domain->origin.protocol == WIRE_V9;

	told->id = wire_get16(at);
	told->count = wire_get16(at + 2);
	told->scopes = 0;
	if (!told->id && !told->count)
		return NULL; /* padding */
	if (!told->options || (!v9 && !told->count))
		return at + 4;
	if (end - at < 6) {
		if (told->id) /* else padding */
			wire_tally(w, WIRE_COUNT_TEMPLATE, 1);
		return NULL;
	}
	told->scopes = wire_get16(at + 4);
	if (v9) {
		__u32 scopes = told->count, others = told->scopes; /* bytes */

		told->count = (scopes + others) / 4;
		told->scopes = scopes / 4;
		if (scopes % 4 || others % 4) {
			wire_tally(w, WIRE_COUNT_SCOPE, 1);
			return NULL;
		}
	} else if (!told->scopes || told->scopes > told->count) {
		wire_tally(w, WIRE_COUNT_SCOPE, 1);
		return NULL;
	}
	return at + 6;
}

void wire_read_templates(struct work *w, const __u8 *at, const __u8 *end, bool options)
{
	struct told told = {.options = options};

	while (end - at >= 4) {
		told.fields = read_head(w, at, end, &told);
		if (!told.fields)
			return;
		if (told.count || w->domain->origin.protocol == WIRE_V9) {
			at = read_one(w, &told, end);
			if (!at)
				return;
		} else {
			withdraw(w, told.id, options);
			at = told.fields;
		}
	}
}
