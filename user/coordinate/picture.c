// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "coordinate/picture.h"

#include <errno.h>
#include <stdlib.h>

/* --- Hosts: the engine's, and between them those of the config that it does not know yet ----- */

struct counting {
	struct picture *picture;
	const struct config_coordinate *config;
	unsigned int next; /* of the config's hosts */
	bool listed, failed;
};

static void add_host(struct counting *c, const struct coordinator_host *host)
{
	struct picture *p = c->picture;

	if (host->here)
		p->snapshot.hosts_here++;
	else
		p->snapshot.hosts_missing++;
	if (!c->listed || c->failed)
		return;
	if (p->host_count == p->host_room) {
		const unsigned int room = p->host_room ? 2 * p->host_room : 64;
		struct coordinator_host *more = realloc(p->host, room * sizeof(*more));

		c->failed = !more;
		if (!more)
			return;
		p->host = more;
		p->host_room = room;
	}
	p->host[p->host_count++] = *host;
}

static void add_absent(struct counting *c, __u64 before)
{
	for (; c->next < c->config->host_count && c->config->hosts[c->next] < before; c->next++) {
		const struct coordinator_host never = {.host = c->config->hosts[c->next]};

		add_host(c, &never);
	}
}

static void take_host(void *context, const struct coordinator_host *host)
{
	struct counting *c = context;

	add_absent(c, host->host);
	if (c->next < c->config->host_count && c->config->hosts[c->next] == host->host)
		c->next++;
	add_host(c, host);
}

static int take_hosts(struct picture *p, const struct picture_of *of, bool listed)
{
	struct counting c = {.picture = p, .config = of->config, .listed = listed};

	coordinator_hosts(of->engine, take_host, &c);
	add_absent(&c, 1ull << 32);
	p->snapshot.hosts = p->host;
	return c.failed ? -ENOMEM : 0;
}

/* --- The rest ------------------------------------------------------------------------------- */

static void take_counts(struct picture *p, const struct picture_of *of)
{
	struct coordinate_snapshot *s = &p->snapshot;

	for (int i = 0; i < COORDINATOR_COUNT_MAX; i++)
		p->count[s->count_count++] = (struct coordinate_count){
			coordinator_count_names[i].name,
			coordinator_count_names[i].text,
			coordinator_counted(of->engine, i),
		};
	for (int i = 0; i < REFUSAL_MAX; i++) {
		if (!refusal_names[i].name)
			continue;
		p->refusal[s->refusal_count++] = (struct coordinate_count){
			refusal_names[i].name,
			refusal_names[i].text,
			of->refusals->count[i],
		};
	}
	s->counts = p->count;
	s->refusals = p->refusal;
}

static int take_answers(struct picture *p, const struct latest *latest)
{
	struct coordinate_snapshot *s = &p->snapshot;

	p->answer = calloc(latest_count(latest) + 1ul, sizeof(json_t *));
	if (!p->answer)
		return -ENOMEM;
	for (unsigned int i = 0; i < latest_count(latest); i++) {
		json_t *last = latest_json(latest, i);

		if (last)
			p->answer[s->answer_count++] = last;
	}
	s->answers = p->answer;
	return 0;
}

static void take_traffic(struct coordinate_snapshot *s, const struct guests *guests)
{
	const struct guests_traffic traffic = guests_traffic(guests);

	s->messages_in = traffic.messages_in;
	s->messages_out = traffic.messages_out;
	s->bytes_in = traffic.bytes_in;
	s->bytes_out = traffic.bytes_out;
}

int picture_take(struct picture *p, const struct picture_of *of, bool hosts)
{
	struct coordinate_snapshot *s = &p->snapshot;
	int code;

	*p = (struct picture){};
	for (unsigned int i = 0; i < door_count(of->door); i++)
		p->listener[i] = door_address(of->door, i);
	s->listeners = p->listener;
	s->listener_count = door_count(of->door);
	s->memory_bytes = coordinator_bytes(of->engine);
	s->parent = parent_status(of->parent, &p->parent) ? &p->parent : NULL;
	s->notes = of->notes;
	take_traffic(s, of->guests);
	take_counts(p, of);
	code = take_hosts(p, of, hosts);
	code = code ? code : take_answers(p, of->latest);
	if (code)
		picture_free(p);
	return code;
}

void picture_free(struct picture *p)
{
	free(p->answer);
	free(p->host);
}
