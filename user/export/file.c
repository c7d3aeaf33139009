// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * IPFIX files (RFC 5655).
 *
 * The problem: a file that somebody picks up must be complete, hold each record once, and never
 * replace another one, whenever the process is killed or the disk gets full.
 *
 * The idea: a file is written under a hidden name and renamed at its end.
 *
 *   DIR/.NAME.part  │ templates, types, interfaces, sampling │ flows ... │ statistics │
 *         └── fsync, rename ──→ DIR/NAME, or NAME-1, NAME-2 ... with the suffix kept
 *
 * The queue's file records which part file is open and how many of its bytes count. After a crash
 * the part file is cut to that length and continued; what the kernel has taken survives the process.
 * So a name without a dot is always a complete file.
 *
 * Files begin when there is something to write, and end at multiples of `rotate`, local time.
 *
 *   Names       of part files and of complete ones
 *   Beginning   a new file, or the one that a process before left
 *   Writing     one message
 *   Ending      statistics, fsync, rename; when it is due
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/folder.h"
#include "export/exporter_internal.h"

#define FILE_MESSAGE 32768
/* Of records at a file's end, with their share of headers. */
#define STATISTICS_BYTES 256
#define DISTINCT_BYTES 128
#define SUFFIX_MAX 10000

struct file {
	int fd; /* of the part file; -1: none is open */
	__u64 rotate_at_ns;
};

static int file_init(struct exporter *e)
{
	e->file = calloc(1, sizeof(*e->file));
	if (!e->file)
		return transport_fail(e, -ENOMEM, "%s", strerror(ENOMEM));
	e->file->fd = -1;
	return 0;
}

static void file_destroy(struct exporter *e)
{
	free(e->file);
}

/* --- Names -------------------------------------------------------------------------------- */

/* "DIR/NAME.SUFFIX" and 2 → "DIR/NAME-2.SUFFIX"; 0 → as it is. */
static bool number_name(const char *path, unsigned int n, char out[QUEUE_PART_BYTES])
{
	const char *slash = strrchr(path, '/'), *dot = strrchr(path, '.');
	int length;

	if (!dot || dot <= (slash ? slash + 1 : path))
		dot = path + strlen(path);
	if (n)
		length = snprintf(out, QUEUE_PART_BYTES, "%.*s-%u%s", (int)(dot - path), path, n,
				  dot);
	else
		length = snprintf(out, QUEUE_PART_BYTES, "%s", path);
	return length < QUEUE_PART_BYTES;
}

static bool part_name(const char *path, char out[QUEUE_PART_BYTES])
{
	const char *slash = strrchr(path, '/');
	int folder = slash ? slash + 1 - path : 0;

	return snprintf(out, QUEUE_PART_BYTES, "%.*s.%s.part", folder, path, path + folder) <
	       QUEUE_PART_BYTES;
}

/* The inverse. */
static void final_name(const char *part, char out[QUEUE_PART_BYTES])
{
	const char *slash = strrchr(part, '/'), *name = slash ? slash + 2 : part + 1;
	size_t folder = name - 1 - part;

	snprintf(out, QUEUE_PART_BYTES, "%.*s%.*s", (int)folder, part,
		 (int)(strlen(name) - strlen(".part")), name);
}

/* A queue's file that was damaged must not make us remove something else. */
static bool is_part_name(const char *part)
{
	const char *slash = strrchr(part, '/'), *name = slash ? slash + 1 : part;
	size_t length = strlen(name);

	return length > strlen("..part") && *name == '.' && !strcmp(name + length - 5, ".part");
}

static void sync_folder(const char *path)
{
	const char *slash = strrchr(path, '/');
	char folder[QUEUE_PART_BYTES];
	int fd;

	snprintf(folder, sizeof(folder), "%.*s", slash ? (int)(slash - path + 1) : 1,
		 slash ? path : ".");
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return;
	fsync(fd);
	close(fd);
}

/* --- Beginning ---------------------------------------------------------------------------- */

static __u64 next_multiple(__u64 start_ns, __u64 rotate_ns)
{
	time_t second = start_ns / WEIR_NS_PER_SEC;
	__u64 offset_ns;
	struct tm tm;

	localtime_r(&second, &tm);
	/* A day is added so that west of Greenwich, too, nothing is negative. */
	offset_ns = (tm.tm_gmtoff + 86400) * WEIR_NS_PER_SEC;
	return ((start_ns + offset_ns) / rotate_ns + 1) * rotate_ns - offset_ns;
}

/* No file, or none any more. */
static void forget(struct exporter *e)
{
	struct queue_progress progress = *queue_progress(e->queue);

	if (e->file->fd >= 0)
		close(e->file->fd);
	e->file->fd = -1;
	progress.file_bytes = progress.file_start_ns = 0;
	queue_advance(e->queue, &progress);
	queue_part(e->queue)[0] = 0;
}

static void discard(struct exporter *e)
{
	unlink(queue_part(e->queue));
	forget(e);
}

/* Creates the part file of the first name that is free. */
static int create(struct exporter *e, const char *path)
{
	char name[QUEUE_PART_BYTES], part[QUEUE_PART_BYTES];

	for (unsigned int n = 0; n < SUFFIX_MAX; n++) {
		if (!number_name(path, n, name) || !part_name(name, part))
			return -ENAMETOOLONG;
		if (!access(name, F_OK) || !access(part, F_OK))
			continue;
		/* Killed right after, the next process removes what may be there. */
		memcpy(queue_part(e->queue), part, sizeof(part));
		e->file->fd = open(part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
		if (e->file->fd >= 0)
			return 0;
		queue_part(e->queue)[0] = 0;
		if (errno != EEXIST)
			return -errno;
	}
	return -EEXIST;
}

/* The pattern is the user's; url_parse() has looked at its conversions. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
static bool expand(const char *pattern, time_t second, char out[QUEUE_PART_BYTES])
{
	struct tm tm;

	localtime_r(&second, &tm);
	return strftime(out, QUEUE_PART_BYTES, pattern, &tm);
}
#pragma GCC diagnostic pop

static int name_now(const struct export_options *options, __u64 now_ns, char out[QUEUE_PART_BYTES],
		    struct why *why)
{
	if (expand(options->url.path, now_ns / WEIR_NS_PER_SEC, out))
		return 0;
	return why_set(why, -ENAMETOOLONG, "%.100s: the name is too long", options->url.path);
}

static int file_check(const struct export_options *options, struct why *why)
{
	char path[QUEUE_PART_BYTES];
	int err = name_now(options, clock_unix_ns(), path, why);

	if (err)
		return err;
	err = folder_check_for(path);
	return err ? why_set(why, err, "%.100s: %s", path, strerror(-err)) : 0;
}

static int start_file(struct exporter *e)
{
	struct queue_progress progress = *queue_progress(e->queue);
	const __u64 now = clock_unix_ns();
	char path[QUEUE_PART_BYTES];
	int err;

	err = name_now(e->options, now, path, &e->why);
	if (err)
		return err;
	err = folder_make_for(path);
	if (!err)
		err = create(e, path);
	if (err)
		return transport_fail(e, err, "%.100s: %s", path, strerror(-err));
	progress.file_start_ns = now;
	progress.file_bytes = 0;
	queue_advance(e->queue, &progress);
	e->file->rotate_at_ns = next_multiple(now, e->options->rotate_ns);
	session_begin(e,
		      ANNOUNCE_TEMPLATES | ANNOUNCE_TYPES | ANNOUNCE_INTERFACES | ANNOUNCE_SAMPLING,
		      true);
	return 0;
}

/* Continues the part file that a process before left. */
static int adopt(struct exporter *e)
{
	const struct queue_progress *progress = queue_progress(e->queue);
	const char *part = queue_part(e->queue);
	struct stat st;
	int fd = open(part, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);

	/* It has its final name, and only the note of that is missing. */
	if (fd < 0 && errno == ENOENT) {
		forget(e);
		return 0;
	}
	if (fd < 0)
		return transport_fail(e, -errno, "%.100s: %s", part, strerror(errno));
	e->file->fd = fd;
	if (fstat(fd, &st) || (__u64)st.st_size < progress->file_bytes) {
		transport_fail(e, 0, "%.100s: is shorter than what was written to it", part);
		exporter_note(e);
		forget(e);
		return 0;
	}
	if (ftruncate(fd, progress->file_bytes))
		return transport_fail(e, -errno, "%.100s: %s", part, strerror(errno));
	e->file->rotate_at_ns = next_multiple(progress->file_start_ns, e->options->rotate_ns);
	/* Templates were written first and are there; the rest may not be. */
	session_begin(e, ANNOUNCE_TYPES | ANNOUNCE_INTERFACES | ANNOUNCE_SAMPLING, false);
	return 0;
}

static int file_open(struct exporter *e)
{
	const struct queue_progress *progress = queue_progress(e->queue);

	e->room = e->options->message_bytes ? e->options->message_bytes : FILE_MESSAGE;
	/* Or a file would be full with its templates. */
	if (e->options->rotate_bytes && e->room > e->options->rotate_bytes / 2)
		e->room = e->options->rotate_bytes / 2;
	session_begin(e, 0, false);
	if (!is_part_name(queue_part(e->queue)))
		forget(e);
	else if (progress->file_bytes)
		return adopt(e);
	else
		discard(e);
	return 0;
}

/* --- Writing ------------------------------------------------------------------------------ */

static int write_all(int fd, const __u8 *bytes, size_t length, __u64 at)
{
	while (length) {
		ssize_t n = pwrite(fd, bytes, length, at);

		if (n <= 0)
			return n ? -errno : -EIO;
		bytes += n;
		length -= n;
		at += n;
	}
	return 0;
}

static int file_send(struct exporter *e)
{
	struct queue_progress progress = *queue_progress(e->queue);
	int err = write_all(e->file->fd, e->pieces[0].iov_base, e->pieces[0].iov_len,
			    progress.file_bytes);

	if (err) {
		/* The part of a message is cut off if possible; the length that counts is recorded anyway. */
		if (ftruncate(e->file->fd, progress.file_bytes))
			exporter_note(e);
		return transport_fail(e, err, "%.100s: %s", queue_part(e->queue), strerror(-err));
	}
	progress.total = e->totals;
	progress.file_bytes += e->pieces[0].iov_len;
	queue_advance(e->queue, &progress);
	e->count = 0;
	e->backoff_ns = BACKOFF_MIN_NS;
	exporter_progressed(e);
	return 0;
}

/* --- Ending ------------------------------------------------------------------------------- */

/* Never replaces a file. On file systems that cannot promise that, it looks first. */
static int rename_new(const char *from, const char *to)
{
	if (!renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE))
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -errno;
	if (!access(to, F_OK))
		return -EEXIST;
	return rename(from, to) ? -errno : 0;
}

static int publish(const char *part)
{
	char path[QUEUE_PART_BYTES], name[QUEUE_PART_BYTES];
	int err = -EEXIST;

	final_name(part, path);
	for (unsigned int n = 0; n < SUFFIX_MAX && err == -EEXIST; n++) {
		if (!number_name(path, n, name))
			return -ENAMETOOLONG;
		err = rename_new(part, name);
	}
	if (!err)
		sync_folder(path);
	return err;
}

/* The statistics are worth less than the flows before them: a file without room for them is ended,
 * too. */
static int finish(struct exporter *e)
{
	const char *part = queue_part(e->queue);
	int err;

	if (!queue_progress(e->queue)->file_bytes) {
		discard(e);
		return 0;
	}
	e->announcement = (struct announcement){.left = ANNOUNCE_STATISTICS | ANNOUNCE_DISTINCT};
	while (session_announce(e)) {
		if (!file_send(e))
			continue;
		session_drop(e);
		exporter_note(e);
		break;
	}
	err = fsync(e->file->fd) ? -errno : publish(part);
	if (err)
		return transport_fail(e, err, "%.100s: %s", part, strerror(-err));
	forget(e);
	return 0;
}

/* What finish() adds at most. */
static __u32 end_bytes(const struct exporter *e)
{
	struct wire_distinct distinct;
	__u32 bytes = STATISTICS_BYTES;

	for (unsigned int n = 0;
	     e->facts.distinct && e->facts.distinct(e->facts.context, n, &distinct); n++)
		bytes += DISTINCT_BYTES;
	return bytes;
}

static bool is_full(const struct exporter *e)
{
	__u32 limit = e->options->rotate_bytes;

	return limit && queue_progress(e->queue)->file_bytes + e->room + end_bytes(e) > limit;
}

static int file_turn(struct exporter *e, bool more)
{
	struct file *file = e->file;
	const __u64 now = clock_unix_ns();
	int err = 0;

	if (file->fd >= 0 && (now >= file->rotate_at_ns || is_full(e)))
		err = finish(e);
	if (!err && file->fd < 0 && more)
		err = start_file(e);
	if (!err && file->fd >= 0)
		session_follow_names(e);
	if (!err && file->fd >= 0)
		e->due_ns = clock_monotonic_ns() +
			    (file->rotate_at_ns > now ? file->rotate_at_ns - now : 0);
	return err;
}

static bool file_settled(struct exporter *e)
{
	(void)e;
	return true;
}

static void file_close(struct exporter *e, bool in_order)
{
	if (e->file->fd < 0)
		return;
	if (in_order && finish(e))
		exporter_note(e);
	if (e->file->fd < 0)
		return;
	if (!queue_progress(e->queue)->file_bytes) {
		discard(e);
		return;
	}
	close(e->file->fd);
	e->file->fd = -1;
}

const struct transport transport_file = {
	.batch = 1,
	.check = file_check,
	.hopes = true,
	.init = file_init,
	.open = file_open,
	.turn = file_turn,
	.send = file_send,
	.settled = file_settled,
	.close = file_close,
	.destroy = file_destroy,
};
