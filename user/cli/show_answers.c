// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* weir show answers: what the coordinator of this machine says at its local socket. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "config/coordinate.h"
#include "base/log.h"
#include "view/answers.h"
#include "cli/show.h"

#define PATIENCE_S 5

static FILE *call(const char *path)
{
	const struct timeval patience = {.tv_sec = PATIENCE_S};
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = -1;
	FILE *file = NULL;

	if (strlen(path) >= sizeof(address.sun_path)) {
		errno = ENAMETOOLONG;
		return NULL;
	}
	strcpy(address.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return NULL;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (!connect(fd, (struct sockaddr *)&address, sizeof(address)))
		file = fdopen(fd, "r");
	if (!file)
		close(fd);
	return file;
}

static json_t *next_line(FILE *in)
{
	return json_loadf(in, JSON_DISABLE_EOF_CHECK, NULL);
}

/* The first line; its hosts one a line, or a table. */
static int print_hosts(const struct show *s, const json_t *status)
{
	const json_t *hosts = json_object_get(status, "hosts");
	size_t i;
	json_t *host;

	if (!s->json)
		answers_hosts_head(stdout, "\n");
	json_array_foreach((json_t *)hosts, i, host) {
		if (!s->json)
			answers_hosts_row(host, stdout, "\n");
		else if (json_dumpf(host, stdout, JSON_COMPACT) || putchar('\n') == EOF)
			return -EIO;
	}
	return 0;
}

static int print_answers(const struct show *s, FILE *in)
{
	json_t *answer;
	int code = 0;

	if (!s->json)
		answers_head(stdout, "\n");
	while (!code && (answer = next_line(in)) != NULL) {
		if (!s->json)
			answers_row(answer, stdout, "\n");
		else if (json_dumpf(answer, stdout, JSON_COMPACT | JSON_REAL_PRECISION(16)) ||
			 putchar('\n') == EOF)
			code = -EIO;
		json_decref(answer);
	}
	return code || !ferror(in) ? code : -ETIMEDOUT;
}

int show_answers(struct show *s)
{
	const char *path = s->socket ? s->socket : CONFIG_COORDINATE_SOCKET;
	json_t *status = NULL;
	FILE *in = call(path);
	int code = 0;

	if (!in && (errno == ENOENT || errno == ECONNREFUSED))
		log_err("%s: no weir coordinate is at work", path);
	else if (!in)
		log_err("%s: %s", path, strerror(errno));
	if (!in)
		return CLI_FAILED;
	status = next_line(in);
	if (!json_is_array(json_object_get(status, "hosts"))) {
		log_err("%s: what is there is no weir coordinate, or gave no answer in %d s", path,
			PATIENCE_S);
		code = -EPROTO;
	} else {
		code = s->hosts ? print_hosts(s, status) : print_answers(s, in);
		if (code)
			log_err("answers: %s", strerror(-code));
	}
	json_decref(status);
	fclose(in);
	return code ? CLI_FAILED : CLI_OK;
}
