// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The section `coordinate`. What answers say of queries is looked up when all are known. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/clock.h"
#include "config/config_internal.h"

/* --- Hosts ----------------------------------------------------------------------------- */

static bool same_host(const void *a, const void *b)
{
	return *(const __u32 *)a == *(const __u32 *)b;
}

static int compare_hosts(const void *a, const void *b)
{
	const __u32 x = *(const __u32 *)a, y = *(const __u32 *)b;

	return (x > y) - (x < y);
}

static void sort_hosts(__u32 *hosts, unsigned int count)
{
	if (count)
		qsort(hosts, count, sizeof(*hosts), compare_hosts);
}

static const struct key host = {NULL, KEY_NUMBER, .min = 1, .max = 0xffffffff};

/* --- Answers --------------------------------------------------------------------------- */

static int finish_answer(struct section_reader *r, const struct section_seen *seen, void *to)
{
	struct config_answer *answer = to;

	(void)r;
	answer->at = seen->at;
	sort_hosts(answer->hosts, answer->host_count);
	return 0;
}

#define AT(member) offsetof(struct config_answer, member)

static const struct key_choice aggregates[] = {
	{"sum", COORDINATOR_SUM},
	{"avg", COORDINATOR_AVG},
	{},
};

static const struct key answer_keys[] = {
	{"name", KEY_NAME, AT(name), .required = true, .unique = true, .help = "its name"},
	{"query", KEY_NAME, AT(query_name), .required = true, .help = "the query it is of"},
	{"hosts", KEY_LIST, AT(hosts), .min = 1, .without = "all",
	 .list = &(const struct key_list){&host, sizeof(__u32),
					  offsetof(struct config_answer, host_count), .grows = true,
					  .same = same_host},
	 .help = "numbers of the hosts it is over"},
	{"aggregate", KEY_CHOICE, AT(aggregate), .choices = aggregates, .standard = "sum",
	 .help = "the hosts' sum, or their mean"},
	{"precision", KEY_PRECISION, .at = AT(precision), .without = "the query's",
	 .help = "how wide the answer may be"},
	{.name = NULL},
};

static const struct section answer_section = {"answer", sizeof(struct config_answer), answer_keys,
					      .finish = finish_answer};

/* --- The section ----------------------------------------------------------------------- */

static bool same_listener(const void *a, const void *b)
{
	const struct peer_address *x = a, *y = b;

	return !strcmp(x->url.host, y->url.host) && !strcmp(x->url.port, y->url.port);
}

static int finish(struct section_reader *r, const struct section_seen *seen, void *to)
{
	struct config_coordinate *c = to;
	const bool certified = c->ca && c->cert && c->key;
	int code = 0;

	(void)seen;
	sort_hosts(c->hosts, c->host_count);
	for (unsigned int i = 0; i < c->listen_count && !code; i++)
		code = peer_address_check(r, &c->listen[i], certified, c->plain);
	return code;
}

static const struct key listener = {NULL, KEY_PEER_ADDRESS};
static const struct key answer_item = {NULL, KEY_SECTION, .section = &answer_section};

#undef AT
#define AT(member) offsetof(struct config_coordinate, member)

static const struct key keys[] = {
	{"listen", KEY_LIST, AT(listen), .min = 1, .max = CONFIG_LISTENERS,
	 .standard = "[tcp://127.0.0.1:4740]",
	 .list = &(const struct key_list){&listener, sizeof(struct peer_address), AT(listen_count),
					  .same = same_listener},
	 .help = "addresses to listen at"},
	{"ca", KEY_PATH, AT(ca), .without = "none",
	 .help = "TLS: file of the CAs that hosts' certificates may be from"},
	{"cert", KEY_PATH, AT(cert), .without = "none", .help = "TLS: file of our certificate"},
	{"key", KEY_PATH, AT(key), .without = "none", .help = "TLS: file of our certificate's key"},
	{"plain", KEY_BOOLEAN, AT(plain), .standard = "false",
	 .help = "true allows tcp:// on addresses that others reach"},
	{"method", KEY_CHOICE, AT(method), .choices = interval_methods, .standard = "auto",
	 .help = "who gets which width: adaptive and static are the published filter and uniform "
		 "widths, to compare with"},
	{"period", KEY_SECONDS, AT(period_s), .min = WEIR_NS_PER_SEC, .max = HOUR_NS,
	 .standard = "10s", .help = "adaptive: how often widths shrink"},
	{"shrink", KEY_PERCENT, AT(shrink_ppm), .min = 1000, .max = 500000, .standard = "5%",
	 .help = "adaptive: by how much widths shrink"},
	{"hosts", KEY_LIST, AT(hosts), .min = 1, .without = "any",
	 .list = &(const struct key_list){&host, sizeof(__u32), AT(host_count), .grows = true,
					  .same = same_host},
	 .help = "numbers of the hosts that are accepted, and that answers wait for"},
	{"forget", KEY_SECONDS, AT(forget_s), .min = 10 * WEIR_NS_PER_SEC, .max = 720 * HOUR_NS,
	 .standard = "1h",
	 .help = "after this time without contact a host not listed is forgotten"},
	{"connections", KEY_NUMBER, AT(connections), .min = 1, .max = 1000000, .standard = "16384",
	 .help = "at most this many"},
	{"answers", KEY_LIST, AT(answers), .min = 1, .without = "the sum of each query",
	 .list = &(const struct key_list){&answer_item, sizeof(struct config_answer),
					  AT(answer_count), .grows = true},
	 .help = "what it answers"},
	{"log", KEY_PATH, AT(log), .without = "none",
	 .help = "folder for a file a day of all intervals, in the Stanford monitor's format"},
	{"parent", KEY_SECTION, AT(parent), .section = &peer_section, .without = "none",
	 .help = "a coordinator above: this one's answers are its queries of that name"},
	{"name", KEY_NAME, AT(name), .without = "the machine's", .help = "its name"},
	{"socket", KEY_PATH, AT(socket), .max = CONFIG_SOCKET_BYTES - 1,
	 .standard = CONFIG_COORDINATE_SOCKET, .help = "local socket of weir show answers"},
	{.name = NULL},
};

const struct section config_coordinate_section = {"coordinate", sizeof(struct config_coordinate),
						  keys, .finish = finish};

/* --- All of it together ---------------------------------------------------------------- */

static int check_hosts(struct section_reader *r, const struct config_coordinate *c,
		       const struct config_answer *answer)
{
	for (unsigned int i = 0; i < answer->host_count && c->hosts; i++) {
		if (!bsearch(&answer->hosts[i], c->hosts, c->host_count, sizeof(*c->hosts),
			     compare_hosts))
			return section_refuse(r, answer->at, "answer '%s': host %u is not in hosts",
					      answer->name, answer->hosts[i]);
	}
	return 0;
}

static int find_query(struct section_reader *r, const struct config *config,
		      struct config_answer *answer)
{
	const char *wrong = "there is no query";
	unsigned int q = 0;

	while (q < config->query_count && strcmp(config->queries[q].name, answer->query_name))
		q++;
	if (q < config->query_count && config->queries[q].measure != WEIR_MEASURE_DISTINCT) {
		answer->query = q;
		if (!answer->precision.given)
			answer->precision = config->queries[q].precision;
		return 0;
	}
	if (q < config->query_count)
		wrong = "distinct counts of hosts cannot be added up:";
	return section_refuse(r, answer->at, "answer '%s': %s '%s'", answer->name, wrong,
			      answer->query_name);
}

static int add_answer(struct config_coordinate *c, const char *query_name)
{
	struct config_answer *more = array_grow(c->answers, c->answer_count, sizeof(*more));
	struct config_answer *added;

	if (!more)
		return -ENOMEM;
	c->answers = more;
	added = &more[c->answer_count++];
	*added = (struct config_answer){.name = strdup(query_name),
					.query_name = strdup(query_name)};
	return added->name && added->query_name ? 0 : -ENOMEM;
}

int config_finish_answers(struct section_reader *r, struct config *config)
{
	struct config_coordinate *c = &config->coordinate;
	const bool each = !c->answer_count; /* one for each query */
	int code = 0;

	for (unsigned int q = 0; q < config->query_count && !code; q++) {
		if (each && config->queries[q].measure != WEIR_MEASURE_DISTINCT)
			code = add_answer(c, config->queries[q].name);
	}
	for (unsigned int i = 0; i < c->answer_count && !code; i++) {
		code = find_query(r, config, &c->answers[i]);
		code = code ? code : check_hosts(r, c, &c->answers[i]);
	}
	return code;
}
