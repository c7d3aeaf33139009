// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * One connection of a host.
 *
 *   OPENING ──up──→ SILENT ──HELLO, WELCOME──→ HERE ──→ GONE
 *      │              └──────────┬───────────────┘        ↑
 *      └─────────────────────────┴── refused ─→ LEAVING ──┘
 *
 * A refused one stays for a second in which what it says is thrown away: closing a socket with
 * unread data resets the connection, and the refusal would be lost with it.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/search.h"
#include "coordinate/coordinate.h"

#define LEAVING_MAX 256
#define OWNERS_MAX (1u << 20)

/* --- Coming and going ------------------------------------------------------------------ */

struct guest *guest_new(struct coordinate *c, struct link *link, __u64 now_ns)
{
	struct guest *g = calloc(1, sizeof(*g));

	if (!g || talk_begin(&g->talk, link, COORDINATE_DOMAIN, INTERVAL_MESSAGE_MAX)) {
		free(g);
		link_close(link);
		return NULL;
	}
	g->watch = (struct coordinate_watch){.kind = COORDINATE_GUEST, .fd = -1};
	g->since_ns = now_ns;
	g->after = c->guests;
	if (c->guests)
		c->guests->before = g;
	c->guests = g;
	c->guest_count++;
	return g;
}

static struct guest **session_slot(struct coordinate *c, __u32 session)
{
	struct guest **at = &c->session[session & c->session_mask];

	while (*at && (*at)->session != session)
		at = &(*at)->next_session;
	return at;
}

static void end_session(struct coordinate *c, struct guest *g, bool taken_over)
{
	struct guest **slot;

	if (!g->session)
		return;
	slot = session_slot(c, g->session);
	if (*slot == g)
		*slot = g->next_session;
	if (!taken_over)
		coordinator_end(c->engine, g->session, g->goodbye, coordinate_now(c));
	g->session = 0;
}

void guest_end(struct coordinate *c, struct guest *g, bool taken_over)
{
	if (g->state == GUEST_GONE)
		return;
	end_session(c, g, taken_over);
	door_waits_no_more(c, g);
	c->leaving_count -= g->state == GUEST_LEAVING;
	coordinate_watch(c, &g->watch, -1, 0);
	talk_hang_up(&g->talk);
	g->state = GUEST_GONE;
	/* `after` stays, for whoever is on his way through the list. */
	if (g->before)
		g->before->after = g->after;
	else
		c->guests = g->after;
	if (g->after)
		g->after->before = g->before;
	c->guest_count--;
	g->next_gone = c->gone;
	c->gone = g;
}

/* --- Words out ------------------------------------------------------------------------- */

static int send_words(struct coordinate *c, struct guest *g, const struct interval_word *words,
		      unsigned int count)
{
	char why[TALK_WHY_BYTES];

	return talk_say(&g->talk, words, count, coordinate_now(c), why);
}

static const char *guest_name(const struct guest *g, char out[128])
{
	if (g->host)
		snprintf(out, 128, "host %u (%s)", g->host, link_peer(g->talk.link));
	else
		snprintf(out, 128, "%s", link_peer(g->talk.link));
	return out;
}

void guest_refuse(struct coordinate *c, struct guest *g, enum coordinate_refusal reason,
		  const char *why)
{
	struct interval_word word = {.kind = INTERVAL_REFUSAL};
	char who[128];
	bool up;

	if (g->state == GUEST_LEAVING || g->state == GUEST_GONE)
		return;
	up = g->state != GUEST_OPENING || link_turn(g->talk.link, coordinate_now(c)) == LINK_UP;
	door_refused(c, reason, guest_name(g, who), why);
	end_session(c, g, false);
	door_waits_no_more(c, g);
	snprintf(word.refusal, sizeof(word.refusal), "%s", why);
	if (!up || c->leaving_count >= LEAVING_MAX || send_words(c, g, &word, 1)) {
		guest_end(c, g, false);
		return;
	}
	g->state = GUEST_LEAVING;
	g->since_ns = coordinate_now(c);
	c->leaving_count++;
}

void guests_grant(void *context, __u32 session, const struct interval_grant *grant)
{
	struct coordinate *c = context;
	struct guest *g = *session_slot(c, session);
	struct interval_grant *more;

	if (!g)
		return;
	more = g->grants;
	if (!(g->grant_count & (g->grant_count - 1)))
		more = realloc(more, (g->grant_count ? 2ul * g->grant_count : 1) * sizeof(*more));
	/* One that is not sent leaves the host at its width, and the serials with a gap: it will be
	 * found out there. */
	if (!more)
		return;
	g->grants = more;
	more[g->grant_count++] = *grant;
	if (!g->dirty) {
		g->dirty = true;
		g->next_dirty = c->dirty;
		c->dirty = g;
	}
}

static void send_grants(struct coordinate *c, struct guest *g)
{
	struct interval_word *words = calloc(g->grant_count, sizeof(*words));
	int code = words ? 0 : -ENOMEM;

	for (unsigned int i = 0; i < g->grant_count && words; i++) {
		words[i].kind = INTERVAL_GRANT;
		words[i].grant = g->grants[i];
	}
	if (words)
		code = send_words(c, g, words, g->grant_count);
	free(words);
	free(g->grants);
	g->grants = NULL;
	g->grant_count = 0;
	if (code)
		guest_refuse(c, g, COORDINATE_SLOW, "it does not read what it is sent");
	else
		guest_turn(c, g, coordinate_now(c));
}

static void add_traffic(struct coordinate_traffic *sum, const struct talk *talk)
{
	sum->messages_in += talk->messages_in;
	sum->messages_out += talk->messages_out;
	sum->bytes_in += talk->bytes_in;
	sum->bytes_out += talk->bytes_out;
}

struct coordinate_traffic guests_traffic(const struct coordinate *c)
{
	struct coordinate_traffic sum = c->before;

	for (const struct guest *g = c->guests; g; g = g->after)
		add_traffic(&sum, &g->talk);
	for (const struct guest *g = c->gone; g; g = g->next_gone)
		add_traffic(&sum, &g->talk);
	return sum;
}

void guests_settle(struct coordinate *c)
{
	while (c->dirty) {
		struct guest *g = c->dirty;

		c->dirty = g->next_dirty;
		g->dirty = false;
		if (g->state == GUEST_HERE)
			send_grants(c, g);
	}
	while (c->gone) {
		struct guest *g = c->gone;

		c->gone = g->next_gone;
		add_traffic(&c->before, &g->talk);
		talk_end(&g->talk);
		free(g->grants);
		free(g);
	}
}

/* --- Words in -------------------------------------------------------------------------- */

static unsigned int owner_place(const struct coordinate *c, __u32 host)
{
	return search_first(c->owners, i, c->owner[i].host >= host);
}

static bool belongs_to_another(const struct coordinate *c, const struct guest *g, __u32 host)
{
	const unsigned int at = owner_place(c, host);

	return at < c->owners && c->owner[at].host == host &&
	       strcmp(c->owner[at].subject, link_subject(g->talk.link)) != 0;
}

/* Without room for it the host stays open to the next certificate of our CA. */
static void remember_owner(struct coordinate *c, const struct guest *g)
{
	const unsigned int at = owner_place(c, g->host);
	struct coordinate_owner *more = c->owner;
	char *subject;

	if (!*link_subject(g->talk.link) || (at < c->owners && more[at].host == g->host))
		return;
	if (c->owners >= OWNERS_MAX)
		return;
	if (!(c->owners & (c->owners - 1)))
		more = realloc(more, (c->owners ? 2ul * c->owners : 1) * sizeof(*more));
	subject = more ? strdup(link_subject(g->talk.link)) : NULL;
	c->owner = more ? more : c->owner;
	if (!subject)
		return;
	memmove(more + at + 1, more + at, (c->owners - at) * sizeof(*more));
	more[at] = (struct coordinate_owner){g->host, subject};
	c->owners++;
}

static int refuse_hello(struct coordinate *c, struct guest *g, int code, const char *why)
{
	guest_refuse(c, g,
		     code == -EEXIST   ? COORDINATE_TWICE
		     : code == -EACCES ? COORDINATE_STRANGER
				       : COORDINATE_WORDS,
		     why);
	return -ECANCELED;
}

static int take_hello(struct coordinate *c, struct guest *g, const struct interval_hello *hello)
{
	struct interval_word word = {.kind = INTERVAL_WELCOME};
	char why[COORDINATOR_WHY_BYTES] = "";
	__u32 session, replaced = 0;
	int code;

	g->host = hello->host;
	if (belongs_to_another(c, g, hello->host)) {
		guest_refuse(c, g, COORDINATE_BOUND,
			     "this host's number came with another certificate before");
		return -ECANCELED;
	}
	code = coordinator_hello(c->engine, hello, coordinate_now(c), &word.welcome, &session,
				 &replaced, why);
	if (code)
		return refuse_hello(c, g, code, why);
	if (replaced && *session_slot(c, replaced))
		guest_end(c, *session_slot(c, replaced), true);
	g->session = session;
	g->next_session = NULL;
	*session_slot(c, session) = g;
	g->state = GUEST_HERE;
	door_waits_no_more(c, g);
	remember_owner(c, g);
	if (!send_words(c, g, &word, 1))
		return 0;
	guest_refuse(c, g, COORDINATE_SLOW, "it does not read what it is sent");
	return -ECANCELED;
}

static int take_said(struct coordinate *c, struct guest *g, const struct interval_word *word)
{
	const __u64 now_ns = coordinate_now(c);
	char why[COORDINATOR_WHY_BYTES] = "", who[128];
	int code = -EPROTO;

	switch (word->kind) {
	case INTERVAL_ASK:
		code = coordinator_query(c->engine, g->session, &word->ask, now_ns, why);
		break;
	case INTERVAL_UPDATE:
		code = coordinator_update(c->engine, g->session, &word->update, now_ns, why);
		break;
	case INTERVAL_LACK:
		code = coordinator_lack(c->engine, g->session, &word->lack, now_ns, why);
		break;
	case INTERVAL_TICK:
		code = coordinator_tick(c->engine, g->session, &word->tick, now_ns, why);
		break;
	default:
		break;
	}
	if (code == -ENOENT && word->kind == INTERVAL_ASK) {
		door_refused(c, COORDINATE_QUERY, guest_name(g, who), why);
		return 0;
	}
	if (code)
		guest_refuse(c, g, COORDINATE_WORDS, why[0] ? why : strerror(-code));
	return code ? -ECANCELED : 0;
}

struct listening {
	struct coordinate *c;
	struct guest *g;
};

/* -ECANCELED: the guest is not listened to any more. */
static int take_word(void *context, const struct interval_word *word)
{
	const struct listening *l = context;
	struct guest *g = l->g;

	if (g->state == GUEST_SILENT && word->kind == INTERVAL_HELLO)
		return take_hello(l->c, g, &word->hello);
	if (g->state != GUEST_HERE || word->kind == INTERVAL_HELLO ||
	    word->kind >= INTERVAL_WELCOME) {
		guest_refuse(l->c, g, COORDINATE_ORDER,
			     g->state != GUEST_HERE         ? "it said something before hello"
			     : word->kind == INTERVAL_HELLO ? "it said hello twice"
							    : "it said what coordinators say");
		return -ECANCELED;
	}
	if (word->kind != INTERVAL_GOODBYE)
		return take_said(l->c, g, word);
	g->goodbye = true;
	guest_end(l->c, g, false);
	return -ECANCELED;
}

/* What a refused one says is read, so that the end is no reset, and thrown away. */
static void hear_out(struct coordinate *c, struct guest *g)
{
	__u8 nothing[4096];
	ssize_t length = 1;

	for (int reads = 0; reads < TALK_READS && length > 0; reads++)
		length = link_read(g->talk.link, nothing, sizeof(nothing));
	if (length < 0)
		guest_end(c, g, false);
}

static enum coordinate_refusal reason_of(int code)
{
	return code == -EPROTONOSUPPORT ? COORDINATE_NOT_IPFIX
	       : code == -EMSGSIZE      ? COORDINATE_OVERSIZED
					: COORDINATE_MESSAGE;
}

static void hear(struct coordinate *c, struct guest *g)
{
	struct listening listening = {c, g};
	char why[TALK_WHY_BYTES] = "";
	int code = talk_listen(&g->talk, take_word, &listening, why);

	if (g->state >= GUEST_LEAVING)
		return;
	g->again = code == TALK_MORE;
	c->again |= g->again;
	if (code == -EPROTONOSUPPORT || code == -EMSGSIZE || code == -EBADMSG) {
		guest_refuse(c, g, reason_of(code), why);
	} else if (code < 0) {
		if (code != -EPIPE)
			coordinate_say(c, "%s: %s", link_peer(g->talk.link), why);
		guest_end(c, g, false);
	}
}

static void go_down(struct coordinate *c, struct guest *g)
{
	const char *why = talk_why(&g->talk);

	if (g->state == GUEST_OPENING && *why)
		door_refused(c, COORDINATE_CERTIFICATE, link_peer(g->talk.link), why);
	else if (*why && g->state == GUEST_HERE)
		coordinate_say(c, "host %u (%s): %s", g->host, link_peer(g->talk.link), why);
	guest_end(c, g, false);
}

void guest_turn(struct coordinate *c, struct guest *g, __u64 now_ns)
{
	enum link_phase phase;
	int code;

	if (g->state == GUEST_GONE)
		return;
	phase = link_turn(g->talk.link, now_ns);
	if (phase == LINK_DOWN) {
		go_down(c, g);
		return;
	}
	if (phase == LINK_UP && g->state == GUEST_OPENING)
		g->state = GUEST_SILENT;
	g->again = false;
	if (g->state == GUEST_LEAVING)
		hear_out(c, g);
	else if (phase == LINK_UP)
		hear(c, g);
	if (g->state == GUEST_GONE)
		return;
	code = coordinate_watch(c, &g->watch, link_fd(g->talk.link), link_events(g->talk.link));
	if (code) {
		coordinate_say(c, "%s: %s", link_peer(g->talk.link), strerror(-code));
		guest_end(c, g, false);
	}
}
