// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* weir show answers: what the coordinator of this machine says at its local socket. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "cli/show.h"
#include "config/coordinate.h"
#include "net/local.h"
#include "view/answers.h"
#include "view/json.h"

/* The value of the next line, of which *at goes to the one after; NULL: there is none, and *at is at
 * the end, or it is not JSON. */
static json_t *next_line(const char **at)
{
	const size_t length = strcspn(*at, "\n");
	json_t *value = length ? json_loadb(*at, length, 0, NULL) : NULL;

	if (value)
		*at += length + ((*at)[length] == '\n');
	return value;
}

/* The first line; its hosts one a line, or a table. */
static int print_hosts(const struct show *s, const json_t *status)
{
	const json_t *hosts = json_object_get(status, "hosts");
	size_t i;
	json_t *host;
	int code = 0;

	if (!s->json)
		answers_hosts_head(stdout, "\n");
	for (i = 0; i < json_array_size(hosts) && !code; i++) {
		host = json_array_get(hosts, i);
		if (s->json)
			code = json_line(json_incref(host), stdout);
		else
			answers_hosts_row(host, stdout, "\n");
	}
	return code;
}

static int print_answers(const struct show *s, const char *lines)
{
	json_t *answer;
	int code = 0;

	if (!s->json)
		answers_head(stdout, "\n");
	while (!code && (answer = next_line(&lines)) != NULL) {
		if (s->json) {
			code = json_line(answer, stdout);
		} else {
			answers_row(answer, stdout, "\n");
			json_decref(answer);
		}
	}
	return !code && *lines ? -EPROTO : code; /* it was cut short */
}

static int print(const struct show *s, const char *path, const char *lines)
{
	json_t *status = next_line(&lines);
	int code;

	if (!json_is_array(json_object_get(status, "hosts"))) {
		log_err(*lines ? "%s: what answers there is not weir coordinate"
			       : "%s: gives no answer: only root and its group may ask",
			path);
		code = -EPROTO;
	} else {
		code = s->hosts ? print_hosts(s, status) : print_answers(s, lines);
		if (code)
			log_err("answers: %s", strerror(-code));
	}
	json_decref(status);
	return code;
}

int show_answers(struct show *s)
{
	const char *path = s->socket ? s->socket : CONFIG_COORDINATE_SOCKET;
	struct why why = {};
	char *text;
	size_t size;
	int code = local_ask(path, LOCAL_PATIENCE_NS, &text, &size, &why);

	if (code == -ENOENT || code == -ECONNREFUSED)
		log_err("%s: weir coordinate is not running", path);
	else if (code)
		log_err("%s", why.text);
	if (code)
		return CLI_FAILED;
	code = print(s, path, text);
	free(text);
	return code ? CLI_FAILED : CLI_OK;
}
