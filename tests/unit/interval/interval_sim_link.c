// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <stdlib.h>
#include <string.h>

#include "unit/interval/interval_sim.h"

void sim_queue_clear(struct sim_queue *q)
{
	q->first = q->count = 0;
	q->last_due_ns = 0;
}

void sim_connections_free(struct sim_host *h)
{
	for (int i = 0; i < SIM_CONNECTIONS; i++) {
		free(h->connection[i].up.word);
		free(h->connection[i].down.word);
	}
}

static struct sim_word *queue_push(struct sim_queue *q)
{
	struct sim_word *word = NULL;

	if (q->count == q->room) {
		__u32 room = q->room ? 2 * q->room : 16;

		word = calloc(room, sizeof(*word));
		if (!word)
			abort();
		for (__u32 i = 0; i < q->count; i++)
			word[i] = q->word[(q->first + i) % q->room];
		free(q->word);
		q->word = word;
		q->first = 0;
		q->room = room;
	}
	word = &q->word[(q->first + q->count++) % q->room];
	memset(word, 0, sizeof(*word));
	return word;
}

/* A word on its way, to be filled in; what is said into a broken connection goes nowhere. */
struct sim_word *sim_say(struct sim *s, struct sim_host *h, struct sim_connection *c, bool up,
			 enum sim_word_kind kind)
{
	struct sim_queue *q = up ? &c->up : &c->down;
	struct sim_word *word = &s->nowhere;
	__u64 due_ns = s->now_ns + h->slow_ns / 2 + sim_below(s, h->slow_ns);

	if (c->at_host && c->at_coordinator && c->host_learns_ns == ~0ull &&
	    c->coordinator_learns_ns == ~0ull)
		word = queue_push(q);
	q->last_due_ns = q->last_due_ns > due_ns ? q->last_due_ns : due_ns;
	word->due_ns = q->last_due_ns;
	word->kind = kind;
	return word;
}

/* The next word that has arrived; NULL: none. Valid until something is said into the queue. */
struct sim_word *sim_hear(struct sim *s, struct sim_host *h, struct sim_queue *q)
{
	struct sim_word *word = &q->word[q->first];

	if (!q->count || s->now_ns < h->stuck_until_ns || word->due_ns > s->now_ns)
		return NULL;
	q->first = (q->first + 1) % q->room;
	q->count--;
	return word;
}

/* All that is under way is lost; the ends learn of it each in its own time. */
void sim_break(struct sim *s, struct sim_host *h)
{
	struct sim_connection *c;

	if (h->current < 0)
		return;
	c = &h->connection[h->current];
	if (c->host_learns_ns != ~0ull)
		return;
	sim_queue_clear(&c->up);
	sim_queue_clear(&c->down);
	c->host_learns_ns = s->now_ns + sim_below(s, 3 * SIM_NS);
	c->coordinator_learns_ns = s->now_ns + sim_below(s, 3 * SIM_NS);
	s->totals->losses++;
}
