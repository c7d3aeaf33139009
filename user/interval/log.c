// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Writing the log of intervals, in a format that readers of the Stanford monitor know (log.h).
 *
 * An answer comes every second, and mostly says what the last one said. So only changes are written,
 * and for each answer we remember what a reader of the file knows: each host's last record. The
 * record of all is the sum of these, updated with each of them, so that a reader who stops between
 * two hosts of one second still has a sum that fits.
 *
 *   answer ──compare with──→ answer_record.host[]
 *                │ differs: "Q2-5 ...", then "Q2-all ..."
 *                ↓
 *             gathered[] ──one write──→ 2026-11-22.log
 *
 * A host that leaves the answer gets a last record of zeros, which leaves the sum to the others. A
 * missing one has width inf, and so has the sum.
 *
 * The file must be whole whenever somebody looks, or after a crash: records are appended by one
 * write, what was written in part is cut off again, and after a failure a new file begins with all
 * that is known. A new day begins one too. The clock is not read here: an answer has its tick.
 */
#include "interval/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/folder.h"

#define DAY_S 86400
#define GATHER_BYTES (1u << 18)
#define RECORD_BYTES (INTERVAL_NAME_BYTES + 96)
#define FILES_A_DAY 100000
#define HEADER "Start: %s\nEnd:   %s\n"
#define TIME_BYTES 24

struct host_record {
	__u32 host;
	bool missing;
	__s64 centre;
	__u64 width;
};

/* What the file has of an answer. Sums are of thousandths in the window. */
struct answer_record {
	char name[INTERVAL_NAME_BYTES];
	__u32 window_s;
	struct host_record *host; /* rising */
	unsigned int hosts;
	unsigned int missing;
	__int128 centre, width; /* width: of those that are not missing */
};

struct interval_log {
	char *folder;
	char path[4096];
	int fd; /* -1: no file */
	__s64 start, last, said_end;
	off_t size; /* of what is whole */
	struct answer_record *answer;
	unsigned int answers;
	char *gathered;
	size_t bytes;
};

static int fail_file(const struct interval_log *log, int code, struct why *why)
{
	return why_set(why, code, "%.400s: %s", log->path, strerror(-code));
}

static void forget_answers(struct interval_log *log)
{
	for (unsigned int i = 0; i < log->answers; i++)
		free(log->answer[i].host);
	free(log->answer);
	log->answer = NULL;
	log->answers = 0;
}

struct interval_log *interval_log_open(const char *folder, struct why *why)
{
	struct interval_log *log = calloc(1, sizeof(*log));

	if (!log)
		goto none;
	log->fd = -1;
	log->folder = strdup(folder);
	log->gathered = malloc(GATHER_BYTES);
	if (!log->folder || !log->gathered)
		goto none;
	snprintf(log->path, sizeof(log->path), "%s/", folder);
	errno = -folder_make_for(log->path);
	if (!errno && !access(folder, W_OK | X_OK))
		return log;
	why_set(why, 0, "%.400s: %s", folder, strerror(errno));
	interval_log_close(log);
	return NULL;
none:
	why_set(why, 0, "%s", strerror(ENOMEM));
	interval_log_close(log);
	return NULL;
}

/* --- Files ----------------------------------------------------------------------------- */

/* "Nov 22, 2026 00:00:00": English months whatever the locale, so that the length is fixed. */
static void time_text(__s64 tick, char out[TIME_BYTES])
{
	static const char months[][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
					 "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	const time_t at = tick;
	struct tm utc = {0};

	gmtime_r(&at, &utc);
	snprintf(out, TIME_BYTES, "%s %02d, %04d %02d:%02d:%02d", months[utc.tm_mon % 12],
		 utc.tm_mday, (utc.tm_year + 1900) % 10000, utc.tm_hour, utc.tm_min, utc.tm_sec);
}

/* The day's next name that is free. */
static int create_file(struct interval_log *log, __s64 tick)
{
	const time_t at = tick;
	char day[16], number[16] = "";
	struct tm utc = {0};

	gmtime_r(&at, &utc);
	strftime(day, sizeof(day), "%Y-%m-%d", &utc);
	for (unsigned int n = 1; n <= FILES_A_DAY; n++) {
		snprintf(log->path, sizeof(log->path), "%s/%s%s.log", log->folder, day, number);
		log->fd = open(log->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
		if (log->fd >= 0)
			return 0;
		if (errno != EEXIST)
			return -errno;
		snprintf(number, sizeof(number), ".%u", n);
	}
	return -EEXIST;
}

static int begin_file(struct interval_log *log, __s64 tick, struct why *why)
{
	char start[TIME_BYTES], header[2 * TIME_BYTES + 32];
	int code = create_file(log, tick), length;

	if (code)
		return fail_file(log, code, why);
	time_text(tick, start);
	length = snprintf(header, sizeof(header), HEADER, start, start);
	errno = ENOSPC;
	if (write(log->fd, header, length) != length) {
		code = -errno;
		close(log->fd);
		log->fd = -1;
		unlink(log->path);
		return fail_file(log, code, why);
	}
	log->size = length;
	log->start = log->last = log->said_end = tick;
	return 0;
}

static void end_file(struct interval_log *log)
{
	if (log->fd >= 0)
		close(log->fd);
	log->fd = -1;
	log->bytes = 0;
	forget_answers(log);
}

static int append(struct interval_log *log, struct why *why)
{
	ssize_t written;
	int code;

	if (!log->bytes)
		return 0;
	do
		written = pwrite(log->fd, log->gathered, log->bytes, log->size);
	while (written < 0 && errno == EINTR);
	if (written == (ssize_t)log->bytes) {
		log->size += written;
		log->bytes = 0;
		return 0;
	}
	code = written < 0 ? -errno : -ENOSPC;
	if (ftruncate(log->fd, log->size))
		code = -errno;
	end_file(log);
	return fail_file(log, code, why);
}

int interval_log_flush(struct interval_log *log, struct why *why)
{
	char end[TIME_BYTES];
	int code;

	if (log->fd < 0)
		return 0;
	code = append(log, why);
	if (code || log->last == log->said_end)
		return code;
	time_text(log->last, end);
	/* Behind "Start: ", a time of the same length, "\n" and "End:   ". */
	if (pwrite(log->fd, end, strlen(end), strlen(end) + 15) != (ssize_t)strlen(end)) {
		code = -errno;
		end_file(log);
		return fail_file(log, code, why);
	}
	log->said_end = log->last;
	return 0;
}

void interval_log_close(struct interval_log *log)
{
	if (!log)
		return;
	if (log->fd >= 0)
		interval_log_flush(log, NULL);
	end_file(log);
	free(log->gathered);
	free(log->folder);
	free(log);
}

/* --- Records --------------------------------------------------------------------------- */

static struct answer_record *find_answer(struct interval_log *log,
					 const struct coordinator_answer *answer)
{
	struct answer_record *more;

	if (answer->index < log->answers &&
	    !strcmp(log->answer[answer->index].name, answer->ask->name))
		return &log->answer[answer->index];
	for (unsigned int i = 0; i < log->answers; i++) {
		if (!strcmp(log->answer[i].name, answer->ask->name))
			return &log->answer[i];
	}
	more = realloc(log->answer, (log->answers + 1) * sizeof(*more));
	if (!more)
		return NULL;
	log->answer = more;
	more += log->answers++;
	*more = (struct answer_record){0};
	memcpy(more->name, answer->ask->name, sizeof(more->name));
	more->name[sizeof(more->name) - 1] = '\0';
	return more;
}

static double per_second(const struct answer_record *a, __int128 thousandths)
{
	return (double)thousandths / INTERVAL_ONE / a->window_s;
}

static void print_host(const struct answer_record *a, const struct host_record *h, char *out,
		       size_t size)
{
	if (h->missing)
		snprintf(out, size, "%f inf", per_second(a, h->centre));
	else
		snprintf(out, size, "%f %f", per_second(a, h->centre), per_second(a, h->width));
}

/* One host's and the sum, which come together into the file. */
static int add_pair(struct interval_log *log, const struct answer_record *a,
		    const struct host_record *h, __s64 tick, struct why *why)
{
	char values[RECORD_BYTES], sum[RECORD_BYTES];
	int code = 0;

	if (log->bytes + 2 * RECORD_BYTES > GATHER_BYTES)
		code = append(log, why);
	if (code)
		return code;
	print_host(a, h, values, sizeof(values));
	if (a->missing)
		snprintf(sum, sizeof(sum), "%f inf", per_second(a, a->centre));
	else
		snprintf(sum, sizeof(sum), "%f %f", per_second(a, a->centre),
			 per_second(a, a->width));
	log->bytes += snprintf(log->gathered + log->bytes, GATHER_BYTES - log->bytes,
			       "%s-%u %s %lld\n%s-all %s %lld\n", a->name, h->host, values,
			       tick - log->start, a->name, sum, tick - log->start);
	return 0;
}

static bool prints_alike(const struct answer_record *a, const struct host_record *x,
			 const struct host_record *y)
{
	char one[RECORD_BYTES], other[RECORD_BYTES];

	if (x->centre == y->centre && x->missing == y->missing &&
	    (x->missing || x->width == y->width))
		return true;
	print_host(a, x, one, sizeof(one));
	print_host(a, y, other, sizeof(other));
	return !strcmp(one, other);
}

/* `is` replaces `was`, which is what the file has. */
static int replace(struct interval_log *log, struct answer_record *a, struct host_record *was,
		   const struct host_record *is, __s64 tick, struct why *why)
{
	a->centre += (__int128)is->centre - was->centre;
	a->width += (__int128)(is->missing ? 0 : is->width) - (was->missing ? 0 : was->width);
	a->missing += is->missing;
	a->missing -= was->missing;
	*was = *is;
	return add_pair(log, a, is, tick, why);
}

/* The parts' hosts and those of before, rising; new ones with zeros, which the file says nothing
 * of. `fresh[i]`: it is one of these. */
static int merge_hosts(struct answer_record *a, const struct coordinator_answer *answer,
		       bool **fresh)
{
	const unsigned int room = a->hosts + answer->part_count + 1;
	struct host_record *all = calloc(room, sizeof(*all));
	unsigned int count = 0, i = 0, k = 0;

	*fresh = calloc(room, sizeof(**fresh));
	if (!all || !*fresh) {
		free(all);
		return -ENOMEM;
	}
	while (i < a->hosts || k < answer->part_count) {
		if (k == answer->part_count ||
		    (i < a->hosts && a->host[i].host < answer->parts[k].host)) {
			all[count++] = a->host[i++];
		} else if (i == a->hosts || a->host[i].host > answer->parts[k].host) {
			(*fresh)[count] = true;
			all[count++].host = answer->parts[k++].host;
		} else {
			all[count++] = a->host[i++];
			k++;
		}
	}
	free(a->host);
	a->host = all;
	a->hosts = count;
	return 0;
}

static bool same_hosts(const struct answer_record *a, const struct coordinator_answer *answer)
{
	if (a->hosts != answer->part_count)
		return false;
	for (unsigned int i = 0; i < a->hosts; i++) {
		if (a->host[i].host != answer->parts[i].host)
			return false;
	}
	return true;
}

/* Those that have left and were written as zeros, the file has nothing of any more. */
static void drop_gone(struct answer_record *a, const struct coordinator_answer *answer)
{
	unsigned int kept = 0, k = 0;

	for (unsigned int i = 0; i < a->hosts; i++) {
		if (k < answer->part_count && answer->parts[k].host == a->host[i].host) {
			a->host[kept++] = a->host[i];
			k++;
		}
	}
	a->hosts = kept;
}

static int add_answer(struct interval_log *log, struct answer_record *a,
		      const struct coordinator_answer *answer, struct why *why)
{
	bool *fresh = NULL;
	int code = same_hosts(a, answer) ? 0 : merge_hosts(a, answer, &fresh);
	unsigned int k = 0;

	for (unsigned int i = 0; i < a->hosts && !code; i++) {
		struct host_record is = {.host = a->host[i].host};

		if (k < answer->part_count && answer->parts[k].host == is.host) {
			is.missing = answer->parts[k].missing;
			is.centre = answer->parts[k].centre;
			is.width = answer->parts[k].width;
			k++;
		}
		if ((fresh && fresh[i]) || !prints_alike(a, &is, &a->host[i])) {
			code = replace(log, a, &a->host[i], &is, answer->tick, why);
			if (log->fd < 0) /* all is forgotten */
				break;
		}
	}
	if (fresh && !code)
		drop_gone(a, answer);
	free(fresh);
	return code == -ENOMEM ? fail_file(log, code, why) : code;
}

/* A new file, where the day or the unit of an answer has changed. */
static int turn_file(struct interval_log *log, __s64 tick, struct why *why)
{
	int code;

	if (log->fd >= 0 && tick / DAY_S <= log->start / DAY_S)
		return 0;
	if (log->fd >= 0) {
		code = interval_log_flush(log, why);
		end_file(log);
		if (code)
			return code;
	}
	return begin_file(log, tick, why);
}

int interval_log_answer(struct interval_log *log, const struct coordinator_answer *answer,
			struct why *why)
{
	struct answer_record *a;
	int code = turn_file(log, answer->tick, why);

	if (code)
		return code;
	/* One that lags behind the first of a new file has its place in none. */
	if (answer->tick < log->start)
		return 0;
	a = find_answer(log, answer);
	if (!a)
		return fail_file(log, -ENOMEM, why);
	if (a->window_s && a->window_s != answer->query->window_s) {
		/* Records stay what they were; sums in another unit begin anew. */
		code = interval_log_flush(log, why);
		end_file(log);
		code = code ? code : begin_file(log, answer->tick, why);
		a = code ? NULL : find_answer(log, answer);
		if (!a)
			return code ? code : fail_file(log, -ENOMEM, why);
	}
	a->window_s = answer->query->window_s;
	log->last = answer->tick > log->last ? answer->tick : log->last;
	return add_answer(log, a, answer, why);
}
