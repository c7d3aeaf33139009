// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Many hosts in one process, for the load that they are to a coordinator.
 *
 *   hosts [-n HOSTS] [-s SECONDS] [-u PERCENT] [-f FIRST] [-t] [-A CA -C CERT -K KEY] URL
 *
 * Each has a connection and the default queries of its own. Once a second, each at its own moment
 * of it, a host says of PERCENT of its queries where they go (a course of some knots), and that the
 * second is told. -t prints of each host's each second when it was told: tick, Unix nanoseconds.
 * At the end, one JSON object of what was said and heard.
 */
#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>

#include "base/clock.h"
#include "config/config.h"
#include "peer/talk.h"

#define NS_PER_S 1000000000ull
#define OPENING 16 /* connections without a welcome at one time */
#define KNOTS 6
#define EVENTS 512

struct host {
	struct talk talk;
	__u32 id, serial;
	bool up, told;
	__u64 due_ns; /* when its next second is told */
};

static struct {
	__u32 hosts, first, percent, seconds;
	bool times;
	struct url url;
	struct secure_context *tls;
} asked = {.hosts = 100, .first = 1, .percent = 5, .seconds = 10};

static struct config config; /* the queries */
static struct host *host;
static __u32 begun, up;
static __u64 updates, ticks, grants;
static int poller;
static struct why why;

static void fail(const char *what, const char *reason)
{
	fprintf(stderr, "hosts: %s: %s\n", what, reason);
	exit(1);
}

static __u64 unix_ns(void)
{
	return clock_ns(CLOCK_REALTIME);
}

/* Another descriptor may come under the number of the one before. */
static void watch(struct host *h)
{
	struct epoll_event event = {.data.ptr = h};
	int fd = link_fd(h->talk.link);
	short want = link_events(h->talk.link);

	event.events = want; /* POLLIN and POLLOUT are EPOLLIN and EPOLLOUT */
	if (fd < 0 || !epoll_ctl(poller, EPOLL_CTL_MOD, fd, &event))
		return;
	if (epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event))
		fail("epoll", strerror(errno));
}

static void say(struct host *h, const struct interval_word *words, unsigned int count)
{
	if (talk_say(&h->talk, words, count, unix_ns(), &why))
		fail("a connection", why.text);
	watch(h);
}

/* --- One host ------------------------------------------------------------------------------ */

static void greet(struct host *h)
{
	struct interval_word word = {.kind = INTERVAL_HELLO};

	word.hello.host = h->id;
	word.hello.instance = h->id;
	word.hello.time_ms = unix_ns() / 1000000;
	snprintf(word.hello.name, sizeof(word.hello.name), "host%u.example", h->id);
	say(h, &word, 1);
}

static void ask(struct host *h)
{
	struct interval_word words[16] = {};

	for (unsigned int q = 0; q < config.query_count; q++) {
		struct interval_ask *a = &words[q].ask;

		words[q].kind = INTERVAL_ASK;
		a->query = q;
		a->window_ms = config.queries[q].window_s * 1000;
		strcpy(a->measure, "packets");
		snprintf(a->name, sizeof(a->name), "%s", config.queries[q].name);
		snprintf(a->match, sizeof(a->match), "%s", config.queries[q].match);
	}
	say(h, words, config.query_count);
	h->due_ns = (unix_ns() / NS_PER_S + 1) * NS_PER_S + (__u64)rand() % NS_PER_S;
	h->up = true;
	up++;
}

static void update(__u32 query, __s64 tick, struct interval_update *u)
{
	*u = (struct interval_update){
		.query = query,
		.step = 1000,
		.course = {.tick = tick, .centre = rand() % 1000000, .knots = KNOTS},
	};
	for (int k = 0; k < KNOTS; k++) {
		u->course.knot[k].after = 1 + rand() % 16;
		u->course.knot[k].move = rand() % 20000 - 10000;
	}
}

static void tell_second(struct host *h)
{
	struct interval_word words[17] = {};
	__s64 tick = h->due_ns / NS_PER_S;
	unsigned int count = 0;

	for (unsigned int q = 0; q < config.query_count; q++) {
		/* The first time, all. */
		if (h->told && (__u32)rand() % 100 >= asked.percent)
			continue;
		words[count].kind = INTERVAL_UPDATE;
		update(q, tick, &words[count++].update);
	}
	updates += count;
	words[count].kind = INTERVAL_TICK;
	words[count++].tick = (struct interval_tick){.tick = tick, .serial = h->serial};
	ticks++;
	h->told = true;
	if (asked.times)
		printf("%lld %llu\n", (long long)tick, unix_ns());
	say(h, words, count);
	h->due_ns += NS_PER_S;
}

static int take(void *context, const struct interval_word *word)
{
	struct host *h = context;

	switch (word->kind) {
	case INTERVAL_WELCOME:
		ask(h);
		return 0;
	case INTERVAL_GRANT:
		h->serial = word->grant.serial;
		grants++;
		return 0;
	case INTERVAL_REFUSAL:
		fail("refused", word->refusal);
		return 0;
	case INTERVAL_OTHER:
		fail("refused", "a query is another at the coordinator");
		return 0;
	default:
		fail("the coordinator", "says what only hosts say");
		return 0;
	}
}

static void turn(struct host *h)
{
	bool was_up = link_turn(h->talk.link, unix_ns()) == LINK_UP;

	if (was_up && !h->talk.writer.announced)
		greet(h);
	if (was_up && talk_listen(&h->talk, take, h, &why))
		fail("a connection", why.text);
	if (!was_up && *link_why(h->talk.link))
		fail("a connection", link_why(h->talk.link));
	watch(h);
}

static void begin(struct host *h, __u32 id)
{
	struct link *link = link_connect(&asked.url, asked.tls, NULL, unix_ns());

	h->id = id;
	if (!link || talk_begin(&h->talk, link, id, INTERVAL_MESSAGE_MAX))
		fail("a connection", "no memory");
	turn(h);
}

/* --- All ----------------------------------------------------------------------------------- */

static void run(void)
{
	struct epoll_event event[EVENTS];
	__u64 end_ns = ~0ull;

	while (unix_ns() < end_ns) {
		int count = epoll_wait(poller, event, EVENTS, 2);
		__u64 now_ns;

		for (int i = 0; i < count; i++)
			turn(event[i].data.ptr);
		while (begun < asked.hosts && begun - up < OPENING) {
			begin(&host[begun], asked.first + begun);
			begun++;
		}
		now_ns = unix_ns();
		for (__u32 i = 0; i < begun; i++) {
			if (host[i].up && host[i].due_ns <= now_ns)
				tell_second(&host[i]);
		}
		if (up == asked.hosts && end_ns == ~0ull)
			end_ns = now_ns + asked.seconds * NS_PER_S;
	}
}

static void report(double seconds)
{
	__u64 sent = 0, heard = 0;
	json_t *json;

	for (__u32 i = 0; i < asked.hosts; i++) {
		sent += host[i].talk.bytes_out;
		heard += host[i].talk.bytes_in;
		talk_end(&host[i].talk);
	}
	json = json_pack("{s:i, s:f, s:I, s:I, s:I, s:I, s:I}", "hosts", (int)asked.hosts,
			 "seconds", seconds, "updates", (json_int_t)updates, "ticks",
			 (json_int_t)ticks, "grants", (json_int_t)grants, "sent_bytes",
			 (json_int_t)sent, "heard_bytes", (json_int_t)heard);
	json_dumpf(json, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(json);
}

static int usage(void)
{
	fputs("usage: hosts [-n HOSTS] [-s SECONDS] [-u PERCENT] [-f FIRST] [-t]\n"
	      "             [-A CA -C CERT -K KEY] URL\n",
	      stderr);
	return 2;
}

static int number(const char *text, __u32 most)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (*end || value > most)
		exit(usage());
	return value;
}

int main(int argc, char **argv)
{
	const struct rlimit files = {.rlim_cur = 1 << 20, .rlim_max = 1 << 20};
	struct secure_files pem = {};
	struct why err;
	struct why wrong = {};
	__u64 start_ns;
	int option;

	while ((option = getopt(argc, argv, "n:s:u:f:tA:C:K:")) >= 0) {
		switch (option) {
		case 'n':
			asked.hosts = number(optarg, 1000000);
			break;
		case 's':
			asked.seconds = number(optarg, 86400);
			break;
		case 'u':
			asked.percent = number(optarg, 100);
			break;
		case 'f':
			asked.first = number(optarg, ~0u);
			break;
		case 't':
			asked.times = true;
			break;
		case 'A':
			pem.ca = optarg;
			break;
		case 'C':
			pem.cert = optarg;
			break;
		case 'K':
			pem.key = optarg;
			break;
		default:
			return usage();
		}
	}
	if (optind != argc - 1 || !asked.hosts)
		return usage();
	if (url_parse_link(argv[optind], &asked.url, &wrong))
		fail(argv[optind], wrong.text);
	if (asked.url.transport == URL_TLS && secure_context_new(&pem, false, &asked.tls, &wrong))
		fail("TLS", wrong.text);
	if (config_default(&config, &err))
		fail("queries", err.text);
	setrlimit(RLIMIT_NOFILE, &files);
	poller = epoll_create1(EPOLL_CLOEXEC);
	host = calloc(asked.hosts, sizeof(*host));
	if (!host || poller < 0)
		fail("start", strerror(errno));
	start_ns = unix_ns();
	run();
	report((unix_ns() - start_ns) / 1e9);
	secure_context_free(asked.tls);
	config_free(&config);
	free(host);
	return 0;
}
