// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * All guests: who may come, who waits, which session is whose.
 *
 * A guest waits until it has said hello. At most GUESTS_WAITING wait; then one that has said nothing
 * for a second makes room. One address has only half of these places, except for this machine's own.
 *
 * Every guest is in one list; those that wait are also in an array, those with a session in a hash.
 * Two more lists last until the end of a turn: guests with grants to be sent, and guests to be
 * freed, since one may end while others still point to it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "coordinate/guests_internal.h"

#define WAITING_ADDRESS 32
#define HELLO_NS (5 * WEIR_NS_PER_SEC)
#define ROOM_NS (1 * WEIR_NS_PER_SEC)  /* after which one that says nothing makes room */
#define LEAVE_NS (1 * WEIR_NS_PER_SEC) /* so that a refusal is read before the end */

struct guests *guests_new(const struct guests_setting *setting, unsigned int most)
{
	struct guests *gs = calloc(1, sizeof(*gs));

	if (!gs)
		return NULL;
	gs->with = *setting;
	gs->most = most;
	gs->session_mask = 1;
	while (gs->session_mask < most)
		gs->session_mask = gs->session_mask * 2 + 1;
	gs->session = calloc(gs->session_mask + 1ul, sizeof(*gs->session));
	if (gs->session)
		return gs;
	free(gs);
	return NULL;
}

void guests_free(struct guests *gs)
{
	if (!gs)
		return;
	while (gs->first)
		guest_end(gs->first, false);
	guests_settle(gs);
	owners_free(&gs->owners);
	free(gs->session);
	free(gs);
}

void guests_allow(struct guests *gs, unsigned int most)
{
	gs->most = most;
}

/* --- Sessions -------------------------------------------------------------------------- */

static struct guest **session_slot(struct guests *gs, __u32 session)
{
	struct guest **at = &gs->session[session & gs->session_mask];

	while (*at && (*at)->session != session)
		at = &(*at)->next_session;
	return at;
}

struct guest *guest_of_session(struct guests *gs, __u32 session)
{
	return *session_slot(gs, session);
}

void guest_begin_session(struct guest *g, __u32 session)
{
	g->session = session;
	g->next_session = NULL;
	*session_slot(g->all, session) = g;
}

void guest_end_session(struct guest *g, bool taken_over)
{
	const struct guests_setting *with = &g->all->with;
	struct guest **slot;

	if (!g->session)
		return;
	slot = session_slot(g->all, g->session);
	if (*slot == g)
		*slot = g->next_session;
	if (!taken_over)
		coordinator_end(with->engine, g->session, g->goodbye, steady_now(with->clock));
	g->session = 0;
}

void guests_end_sessions(struct guests *gs)
{
	struct guest *g, *after;

	for (g = gs->first; g; g = after) {
		after = g->after;
		if (g->state == GUEST_HERE)
			guest_end(g, true);
	}
}

/* --- Coming, waiting, going ------------------------------------------------------------ */

static size_t address_length(const char *peer)
{
	const char *port = strrchr(peer, ':');

	return port ? (size_t)(port - peer) : strlen(peer);
}

static bool is_of_this_machine(const char *peer)
{
	return !strncmp(peer, "127.", 4) || !strncmp(peer, "[::1]", 5) ||
	       !strncmp(peer, "[::ffff:127.", 12);
}

static bool address_has_its_share(const struct guests *gs, const char *peer)
{
	const size_t length = address_length(peer);
	unsigned int count = 0;

	if (is_of_this_machine(peer))
		return false;
	for (unsigned int i = 0; i < gs->waiting_count; i++) {
		const char *other = link_peer(gs->waiting[i]->talk.link);

		count += address_length(other) == length && !strncmp(other, peer, length);
	}
	return count > WAITING_ADDRESS; /* it is one of them */
}

bool guests_may_wait(const struct guests *gs)
{
	return gs->waiting_count < GUESTS_WAITING;
}

bool guests_have_room(struct guests *gs, __u64 now_ns)
{
	if (guests_may_wait(gs))
		return true;
	if (now_ns - gs->waiting[0]->since_ns < ROOM_NS)
		return false;
	guest_refuse(gs->waiting[0], REFUSAL_SILENT, "no hello received while others are waiting");
	return true;
}

void guests_enter(struct guests *gs, struct link *link, __u64 now_ns)
{
	struct guest *g = guest_new(gs, link, now_ns);

	if (!g)
		return;
	g->after = gs->first;
	if (gs->first)
		gs->first->before = g;
	gs->first = g;
	gs->count++;
	gs->waiting[gs->waiting_count++] = g;
	if (gs->count > gs->most)
		guest_refuse(g, REFUSAL_FULL, "too many connections");
	else if (address_has_its_share(gs, link_peer(link)))
		guest_refuse(g, REFUSAL_ADDRESS,
			     "too many connections of this address have said no hello");
	else
		guest_turn(g, now_ns);
}

void guest_waits_no_more(struct guest *g)
{
	struct guests *gs = g->all;
	unsigned int i = 0;

	while (i < gs->waiting_count && gs->waiting[i] != g)
		i++;
	if (i == gs->waiting_count)
		return;
	gs->waiting_count--;
	memmove(&gs->waiting[i], &gs->waiting[i + 1],
		(gs->waiting_count - i) * sizeof(struct guest *));
}

void guest_end(struct guest *g, bool taken_over)
{
	struct guests *gs = g->all;

	if (g->state == GUEST_GONE)
		return;
	guest_end_session(g, taken_over);
	guest_waits_no_more(g);
	gs->leaving_count -= g->state == GUEST_LEAVING;
	loop_watch(gs->with.loop, &g->watch, -1, 0);
	talk_hang_up(&g->talk);
	g->state = GUEST_GONE;
	/* `after` stays, for a caller that is going through the list. */
	if (g->before)
		g->before->after = g->after;
	else
		gs->first = g->after;
	if (g->after)
		g->after->before = g->before;
	gs->count--;
	g->next_gone = gs->gone;
	gs->gone = g;
}

/* --- Grants ---------------------------------------------------------------------------- */

void guests_grant(struct guests *gs, __u32 session, const struct interval_grant *grant)
{
	struct guest *g = guest_of_session(gs, session);
	struct interval_grant *more;

	if (!g)
		return;
	more = array_grow(g->grants, g->grant_count, sizeof(*more));
	/* One that is not sent leaves the host at its width, and the serials with a gap: it will be
	 * found out there. */
	if (!more)
		return;
	g->grants = more;
	more[g->grant_count++] = *grant;
	if (!g->dirty) {
		g->dirty = true;
		g->next_dirty = gs->dirty;
		gs->dirty = g;
	}
}

/* --- Turns ----------------------------------------------------------------------------- */

void guests_turn(struct guests *gs)
{
	struct guest *g, *after;

	if (!gs->again)
		return;
	gs->again = false;
	for (g = gs->first; g; g = after) {
		after = g->after;
		if (g->again)
			guest_turn(g, steady_now(gs->with.clock));
	}
}

static void add_traffic(struct guests_traffic *sum, const struct talk *talk)
{
	sum->messages_in += talk->messages_in;
	sum->messages_out += talk->messages_out;
	sum->bytes_in += talk->bytes_in;
	sum->bytes_out += talk->bytes_out;
}

void guests_settle(struct guests *gs)
{
	while (gs->dirty) {
		struct guest *g = gs->dirty;

		gs->dirty = g->next_dirty;
		g->dirty = false;
		if (g->state == GUEST_HERE)
			guest_send_grants(g);
	}
	while (gs->gone) {
		struct guest *g = gs->gone;

		gs->gone = g->next_gone;
		add_traffic(&gs->before, &g->talk);
		talk_end(&g->talk);
		free(g->grants);
		free(g);
	}
	if (gs->again)
		loop_again(gs->with.loop);
}

static void sweep(struct guest *g, __u64 now_ns)
{
	const __u64 age_ns = now_ns - g->since_ns;

	if (g->state == GUEST_GONE)
		return;
	if (g->state == GUEST_LEAVING && age_ns >= LEAVE_NS)
		guest_end(g, false);
	else if ((g->state == GUEST_OPENING || g->state == GUEST_SILENT) && age_ns >= HELLO_NS)
		guest_refuse(g, REFUSAL_SILENT, "no hello received in 5 s");
	else if (link_due_ns(g->talk.link) <= now_ns)
		guest_turn(g, now_ns);
}

void guests_sweep(struct guests *gs, __u64 now_ns)
{
	struct guest *g, *after;

	for (g = gs->first; g; g = after) {
		after = g->after;
		sweep(g, now_ns);
	}
}

struct guests_traffic guests_traffic(const struct guests *gs)
{
	struct guests_traffic sum = gs->before;

	for (const struct guest *g = gs->first; g; g = g->after)
		add_traffic(&sum, &g->talk);
	for (const struct guest *g = gs->gone; g; g = g->next_gone)
		add_traffic(&sum, &g->talk);
	return sum;
}
