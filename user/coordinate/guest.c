// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A guest is one connection of a host: words in, words out.
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

#include "base/utf8.h"
#include "coordinate/guests_internal.h"

#define DOMAIN 1

static __u64 now(const struct guest *g)
{
	return steady_now(g->all->with.clock);
}

static void turn_on_event(void *context, short events)
{
	struct guest *g = context;

	(void)events;
	guest_turn(g, now(g));
}

struct guest *guest_new(struct guests *gs, struct link *link, __u64 now_ns)
{
	struct guest *g = calloc(1, sizeof(*g));

	if (!g || talk_begin(&g->talk, link, DOMAIN, INTERVAL_MESSAGE_MAX)) {
		free(g);
		link_close(link);
		return NULL;
	}
	g->all = gs;
	g->watch = (struct loop_watch){.turn = turn_on_event, .context = g};
	g->since_ns = now_ns;
	return g;
}

/* --- Words out ------------------------------------------------------------------------- */

static int send_words(struct guest *g, const struct interval_word *words, unsigned int count)
{
	return talk_say(&g->talk, words, count, now(g), NULL);
}

static const char *guest_name(const struct guest *g, char out[128])
{
	if (g->host)
		snprintf(out, 128, "host %u (%s)", g->host, link_peer(g->talk.link));
	else
		snprintf(out, 128, "%s", link_peer(g->talk.link));
	return out;
}

static void count_refusal(const struct guest *g, enum refusal reason, const char *who,
			  const char *why)
{
	refusals_add(g->all->with.refusals, reason, who, why, now(g));
}

void guest_refuse(struct guest *g, enum refusal reason, const char *why)
{
	struct interval_word word = {.kind = INTERVAL_REFUSAL};
	char who[128];
	bool up;

	if (g->state == GUEST_LEAVING || g->state == GUEST_GONE)
		return;
	up = g->state != GUEST_OPENING || link_turn(g->talk.link, now(g)) == LINK_UP;
	count_refusal(g, reason, guest_name(g, who), why);
	guest_end_session(g, false);
	guest_waits_no_more(g);
	snprintf(word.refusal, sizeof(word.refusal), "%.*s",
		 (int)utf8_cut(why, sizeof(word.refusal) - 1), why);
	if (!up || g->all->leaving_count >= GUESTS_LEAVING || send_words(g, &word, 1)) {
		guest_end(g, false);
		return;
	}
	g->state = GUEST_LEAVING;
	g->since_ns = now(g);
	g->all->leaving_count++;
}

void guest_send_grants(struct guest *g)
{
	struct interval_word *words = calloc(g->grant_count, sizeof(*words));
	int code = words ? 0 : -ENOMEM;

	for (unsigned int i = 0; i < g->grant_count && words; i++) {
		words[i].kind = INTERVAL_GRANT;
		words[i].grant = g->grants[i];
	}
	if (words)
		code = send_words(g, words, g->grant_count);
	free(words);
	free(g->grants);
	g->grants = NULL;
	g->grant_count = 0;
	if (code)
		guest_refuse(g, REFUSAL_SLOW, "it does not read what it is sent");
	else
		guest_turn(g, now(g));
}

/* --- Words in -------------------------------------------------------------------------- */

static int refuse_hello(struct guest *g, int code, const char *why)
{
	guest_refuse(g,
		     code == -EEXIST   ? REFUSAL_TWICE
		     : code == -EACCES ? REFUSAL_STRANGER
				       : REFUSAL_WORDS,
		     why);
	return -ECANCELED;
}

static int take_hello(struct guest *g, const struct interval_hello *hello)
{
	struct interval_word word = {.kind = INTERVAL_WELCOME};
	struct why why = {};
	__u32 session, replaced = 0;
	int code;

	g->host = hello->host;
	if (owners_other(&g->all->owners, hello->host, link_subject(g->talk.link))) {
		guest_refuse(g, REFUSAL_BOUND, "this host number belongs to another certificate");
		return -ECANCELED;
	}
	code = coordinator_hello(g->all->with.engine, hello, now(g), &word.welcome, &session,
				 &replaced, &why);
	if (code)
		return refuse_hello(g, code, why_text(&why, code));
	if (replaced && guest_of_session(g->all, replaced))
		guest_end(guest_of_session(g->all, replaced), true);
	guest_begin_session(g, session);
	g->state = GUEST_HERE;
	guest_waits_no_more(g);
	owners_remember(&g->all->owners, g->host, link_subject(g->talk.link));
	if (!send_words(g, &word, 1))
		return 0;
	guest_refuse(g, REFUSAL_SLOW, "it does not read what it is sent");
	return -ECANCELED;
}

/* The host goes on with its other queries. */
static int tell_other(struct guest *g, const struct interval_ask *ask, const char *why)
{
	struct interval_word word = {.kind = INTERVAL_OTHER};
	char who[128];

	count_refusal(g, REFUSAL_QUERY, guest_name(g, who), why);
	coordinator_asked(g->all->with.engine, ask->name, &word.other);
	word.other.query = ask->query;
	memset(word.other.name, 0, sizeof(word.other.name));
	if (!send_words(g, &word, 1))
		return 0;
	guest_refuse(g, REFUSAL_SLOW, "it does not read what it is sent");
	return -ECANCELED;
}

static int take_said(struct guest *g, const struct interval_word *word)
{
	struct coordinator *engine = g->all->with.engine;
	const __u64 now_ns = now(g);
	struct why why = {};
	int code = -EPROTO;

	switch (word->kind) {
	case INTERVAL_ASK:
		code = coordinator_query(engine, g->session, &word->ask, now_ns, &why);
		break;
	case INTERVAL_UPDATE:
		code = coordinator_update(engine, g->session, &word->update, now_ns, &why);
		break;
	case INTERVAL_LACK:
		code = coordinator_lack(engine, g->session, &word->lack, now_ns, &why);
		break;
	case INTERVAL_SINCE:
		code = coordinator_since(engine, g->session, &word->since, now_ns, &why);
		break;
	case INTERVAL_TICK:
		code = coordinator_tick(engine, g->session, &word->tick, now_ns, &why);
		break;
	default:
		break;
	}
	if (code == -ENOENT && word->kind == INTERVAL_ASK)
		return tell_other(g, &word->ask, why.text);
	if (code)
		guest_refuse(g, REFUSAL_WORDS, why_text(&why, code));
	return code ? -ECANCELED : 0;
}

/* -ECANCELED: the guest is not listened to any more. */
static int take_word(void *context, const struct interval_word *word)
{
	struct guest *g = context;

	if (g->state == GUEST_SILENT && word->kind == INTERVAL_HELLO)
		return take_hello(g, &word->hello);
	if (g->state != GUEST_HERE || word->kind == INTERVAL_HELLO ||
	    word->kind >= INTERVAL_WELCOME) {
		guest_refuse(g, REFUSAL_ORDER,
			     g->state != GUEST_HERE ? "a message came before hello"
			     : word->kind == INTERVAL_HELLO
				     ? "hello came twice"
				     : "it sent what only coordinators send");
		return -ECANCELED;
	}
	if (word->kind != INTERVAL_GOODBYE)
		return take_said(g, word);
	g->goodbye = true;
	guest_end(g, false);
	return -ECANCELED;
}

/* What a refused one says is read, so that the end is no reset, and thrown away. */
static void hear_out(struct guest *g)
{
	__u8 nothing[4096];
	ssize_t length = 1;

	for (int reads = 0; reads < TALK_READS && length > 0; reads++)
		length = link_read(g->talk.link, nothing, sizeof(nothing));
	if (length < 0)
		guest_end(g, false);
}

static enum refusal reason_of(int code)
{
	return code == -EPROTONOSUPPORT ? REFUSAL_NOT_IPFIX
	       : code == -EMSGSIZE      ? REFUSAL_OVERSIZED
					: REFUSAL_MESSAGE;
}

static void hear(struct guest *g)
{
	struct why why = {};
	int code = talk_listen(&g->talk, take_word, g, &why);

	if (g->state >= GUEST_LEAVING)
		return;
	g->again = code == TALK_MORE;
	g->all->again |= g->again;
	if (code == -EPROTONOSUPPORT || code == -EMSGSIZE || code == -EBADMSG) {
		guest_refuse(g, reason_of(code), why.text);
	} else if (code < 0) {
		if (code != -EPIPE)
			notes_warn(g->all->with.notes, "%s: %s", link_peer(g->talk.link), why.text);
		guest_end(g, false);
	}
}

static void go_down(struct guest *g)
{
	const char *why = talk_why(&g->talk);

	if (g->state == GUEST_OPENING && *why)
		count_refusal(g, REFUSAL_CERTIFICATE, link_peer(g->talk.link), why);
	else if (*why && g->state == GUEST_HERE)
		notes_warn(g->all->with.notes, "host %u (%s): %s", g->host, link_peer(g->talk.link),
			   why);
	guest_end(g, false);
}

void guest_turn(struct guest *g, __u64 now_ns)
{
	enum link_phase phase;
	int code;

	if (g->state == GUEST_GONE)
		return;
	phase = link_turn(g->talk.link, now_ns);
	if (phase == LINK_DOWN) {
		go_down(g);
		return;
	}
	if (phase == LINK_UP && g->state == GUEST_OPENING)
		g->state = GUEST_SILENT;
	g->again = false;
	if (g->state == GUEST_LEAVING)
		hear_out(g);
	else if (phase == LINK_UP)
		hear(g);
	if (g->state == GUEST_GONE)
		return;
	code = loop_watch(g->all->with.loop, &g->watch, link_fd(g->talk.link),
			  link_events(g->talk.link));
	if (code) {
		notes_warn(g->all->with.notes, "%s: %s", link_peer(g->talk.link), strerror(-code));
		guest_end(g, false);
	}
}
