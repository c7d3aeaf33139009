// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "coordinate/latest.h"

#include <stdlib.h>

#include "view/answers.h"

#define LOG_AGAIN_NS (10 * WEIR_NS_PER_SEC) /* after a failure */
#define LATE_NS (1500 * NS_PER_MS)          /* then it is printed without all answers */
#define PACE_NS (2 * WEIR_NS_PER_SEC) /* an answer older than this does not come each second */

struct latest_answer {
	json_t *json; /* as it was given; NULL: none was yet */
	__u64 at_ns;
};

struct latest {
	struct steady *clock;
	struct notes *notes;
	struct latest_answer *last; /* by the engine's order */
	unsigned int count;

	struct interval_log *log;
	bool log_failed, log_broke; /* and people know; since the last flush */
	__u64 log_again_ns;         /* after a failure: not before */

	__u64 printed_ns;
	bool answered; /* since the last settling */
	bool whole;    /* all answers that come each second have come since the last print */
};

struct latest_answer *latest_room(unsigned int count)
{
	return calloc(count + 1ul, sizeof(struct latest_answer));
}

struct latest *latest_new(struct steady *clock, struct notes *notes, unsigned int count)
{
	struct latest *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	l->clock = clock;
	l->notes = notes;
	l->count = count;
	l->last = latest_room(count);
	l->printed_ns = steady_now(clock);
	if (l->last)
		return l;
	free(l);
	return NULL;
}

static void forget(struct latest *l)
{
	for (unsigned int i = 0; i < l->count; i++)
		json_decref(l->last[i].json);
	free(l->last);
}

void latest_free(struct latest *l)
{
	if (!l)
		return;
	forget(l);
	interval_log_close(l->log);
	free(l);
}

void latest_expect(struct latest *l, struct latest_answer *last, unsigned int count)
{
	forget(l);
	l->last = last;
	l->count = count;
}

unsigned int latest_count(const struct latest *l)
{
	return l->count;
}

json_t *latest_json(const struct latest *l, unsigned int index)
{
	return l->last[index].json;
}

/* --- The log --------------------------------------------------------------------------- */

void latest_use_log(struct latest *l, struct interval_log *log)
{
	interval_log_close(l->log);
	l->log = log;
}

/* When it begins and when it ends, not each second. */
static void say_log(struct latest *l, int code, const char *why)
{
	if (code && !l->log_failed)
		notes_warn(l->notes, "the log is interrupted: %s", why);
	if (!code && l->log_failed)
		notes_say(l->notes, "the log is written again");
	l->log_failed = code;
}

/* Where it fails a file has ended; the next is not begun with each answer. */
static void log_answer(struct latest *l, const struct coordinator_answer *answer)
{
	struct why why = {};
	int code;

	if (!l->log || l->clock->unix_ns < l->log_again_ns)
		return;
	code = interval_log_answer(l->log, answer, &why);
	if (!code)
		return;
	say_log(l, code, why.text);
	l->log_broke = true;
	l->log_again_ns = l->clock->unix_ns + LOG_AGAIN_NS;
}

static void flush_log(struct latest *l, __u64 now_ns)
{
	struct why why = {};
	const int code = l->log ? interval_log_flush(l->log, &why) : 0;

	if (code || (!l->log_broke && now_ns >= l->log_again_ns))
		say_log(l, code, why.text);
	l->log_broke = false;
}

/* --- Answers --------------------------------------------------------------------------- */

void latest_take(struct latest *l, const struct coordinator_answer *answer)
{
	struct latest_answer *last = &l->last[answer->index];

	log_answer(l, answer);
	json_decref(last->json);
	last->json = answers_json(answer);
	last->at_ns = l->clock->unix_ns;
	l->answered = true;
}

/* Answers come each at their own pace. Of those that came lately, have all come since the print? */
static bool is_whole(const struct latest *l)
{
	for (unsigned int i = 0; i < l->count; i++) {
		if (l->last[i].at_ns + PACE_NS > l->clock->unix_ns &&
		    l->last[i].at_ns <= l->printed_ns)
			return false;
	}
	return true;
}

bool latest_settle(struct latest *l, __u64 now_ns)
{
	if (l->answered)
		l->whole = is_whole(l);
	l->answered = false;
	if (!l->whole && now_ns - l->printed_ns < LATE_NS)
		return false;
	flush_log(l, now_ns);
	l->whole = false;
	l->printed_ns = now_ns;
	return true;
}
