// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What an uplink is made of, and whether that is still what the configuration says. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "view/text.h"
#include "peer/uplink_internal.h"

static char *copied(const char *text, bool *ok)
{
	char *copy = text ? strdup(text) : NULL;

	*ok &= !text || copy;
	return copy;
}

static bool copy_config(struct uplink *u, const struct config_coordinator *config)
{
	char machine[INTERVAL_NAME_BYTES] = "";
	bool ok = true;

	gethostname(machine, sizeof(machine) - 1);
	u->config = *config;
	u->config.address.text = copied(config->address.text, &ok);
	u->config.name = copied(config->name ? config->name : machine, &ok);
	u->config.ca = copied(config->ca, &ok);
	u->config.cert = copied(config->cert, &ok);
	u->config.key = copied(config->key, &ok);
	return ok;
}

struct uplink *uplink_new(const struct config_coordinator *config, __u64 instance,
			  const struct interval_ask *asks, __u32 count,
			  void (*say)(void *context, const char *line), void *context)
{
	struct uplink *u = count > SOURCE_QUERIES ? NULL : calloc(1, sizeof(*u));

	if (!u)
		return NULL;
	if (!copy_config(u, config)) {
		uplink_free(u, false);
		return NULL;
	}
	u->instance = instance;
	u->count = count;
	u->say = say;
	u->context = context;
	for (__u32 q = 0; q < count; q++) {
		u->ask[q] = asks[q];
		u->ask[q].query = q;
		u->ask[q].width = 0;
	}
	u->status.host = config->host;
	snprintf(u->status.address, sizeof(u->status.address), "%s", config->address.text);
	uplink_set_phase(u, UPLINK_DOWN);
	return u;
}

void uplink_free(struct uplink *u, bool goodbye)
{
	if (!u)
		return;
	if (goodbye && u->stage == STAGE_UP)
		uplink_say_goodbye(u);
	uplink_close(u);
	free(u->config.address.text);
	free(u->config.name);
	free(u->config.ca);
	free(u->config.cert);
	free(u->config.key);
	free(u);
}

int uplink_check(const struct config_coordinator *config, char why[UPLINK_WHY_BYTES])
{
	const struct link_tls_files files = {config->ca, config->cert, config->key};
	char text[LINK_WHY_BYTES] = "";
	struct link_tls *tls;
	int code;

	if (config->address.url.transport != URL_TLS)
		return 0;
	code = link_tls_new(&files, false, &tls, text);
	if (code)
		snprintf(why, UPLINK_WHY_BYTES, "%.*s", UPLINK_WHY_BYTES - 1, text);
	else
		link_tls_free(tls);
	return code;
}

static bool same_ask(const struct interval_ask *a, const struct interval_ask *b)
{
	return a->window_ms == b->window_ms && !strcmp(a->measure, b->measure) &&
	       !strcmp(a->name, b->name) && !strcmp(a->match, b->match);
}

enum uplink_change uplink_compare(const struct uplink *u, const struct config_coordinator *config,
				  const struct interval_ask *asks, __u32 count)
{
	const struct config_coordinator *own = &u->config;

	if (own->host != config->host || !text_same(own->address.text, config->address.text))
		return UPLINK_ELSEWHERE;
	if (count != u->count || (config->name && !text_same(own->name, config->name)) ||
	    !text_same(own->ca, config->ca) || !text_same(own->cert, config->cert) ||
	    !text_same(own->key, config->key))
		return UPLINK_CHANGED;
	for (__u32 q = 0; q < count; q++)
		if (!same_ask(&u->ask[q], &asks[q]))
			return UPLINK_CHANGED;
	return UPLINK_SAME;
}
