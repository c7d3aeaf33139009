// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Queues as files.
 *
 * The problem: the file of a queue is read by a process that did not write it, after a crash, after
 * an upgrade, or while its owner still writes. It may have any content, and a process that has it
 * mapped must never run into its end.
 *
 * The idea: a file is made under another name and renamed when it is complete, and never cut. Its
 * size changes by replacing it. A process that opens it for writing holds a lock on it, checks all
 * that it is going to rely on, and replaces it if anything is wrong; the warning says how many
 * records are lost. queue_internal.h draws the layout.
 *
 *   Validity   what a file must fulfil, and how many records waited in one that does not
 *   Making     a new file, with or without the records of the old one
 *   Adopting   a file that is there
 *   Looking    at a file of any process
 */
#include "export/queue_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "export/options.h"

size_t queue_file_bytes(__u32 capacity)
{
	return QUEUE_HEADER_BYTES + (size_t)capacity * sizeof(struct flow_ended);
}

static void set_mapping(struct queue *q, void *mapping, __u32 capacity, int fd)
{
	q->header = mapping;
	q->ring = (void *)((char *)mapping + QUEUE_HEADER_BYTES);
	q->bytes = queue_file_bytes(capacity);
	q->mask = capacity - 1;
	q->fd = fd;
}

static void identify(struct queue_header *header, const char *to, __u32 capacity)
{
	struct queue_mark mark = {0};

	if (getrandom(&mark.file, sizeof(mark.file), 0) != sizeof(mark.file))
		mark.file = getpid();
	header->layout = QUEUE_LAYOUT;
	header->capacity = capacity;
	header->id = mark.file;
	header->progress_bytes = sizeof(struct queue_progress);
	snprintf(header->to, sizeof(header->to), "%s", to);
	twin_write(&header->mark, &mark);
	memcpy(header->magic, QUEUE_MAGIC, sizeof(header->magic));
}

int queue_memory_open(struct queue *q, const char *to, __u32 capacity, struct why *why)
{
	void *mapping = mmap(NULL, queue_file_bytes(capacity), PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (mapping == MAP_FAILED)
		return why_set(why, -errno, "no memory for a queue of %u records: %s", capacity,
			       strerror(errno));
	set_mapping(q, mapping, capacity, -1);
	identify(q->header, to, capacity);
	return 0;
}

/* --- Validity ----------------------------------------------------------------------------- */

/* Both as of one moment, while another process may write. */
static void snapshot(const struct queue_header *header, struct queue_mark *mark,
		     struct queue_progress *progress)
{
	__u64 serial;

	do {
		serial = __atomic_load_n(&header->progress.serial, __ATOMIC_ACQUIRE);
		twin_read(&header->progress, progress);
		twin_read(&header->mark, mark);
	} while (serial != __atomic_load_n(&header->progress.serial, __ATOMIC_ACQUIRE));
}

static bool places_hold(const struct queue_header *header)
{
	struct queue_progress progress;
	struct queue_mark mark;
	__u64 waiting;

	snapshot(header, &mark, &progress);
	waiting = mark.taken.records - queue_head(&progress.total);
	return mark.file == header->id && waiting <= header->capacity;
}

/* What may have been sent is between head and tail. */
static bool batch_holds(const struct queue_header *header)
{
	const struct queue_batch *batch = &header->batch;
	struct queue_progress progress;
	struct queue_mark mark;

	snapshot(header, &mark, &progress);
	if (batch->count > QUEUE_BATCH)
		return false;
	for (unsigned int i = 0; i < batch->count && batch->serial == header->progress.serial + 1;
	     i++) {
		const struct queue_totals *after = &batch->message[i].after;

		if (mark.taken.records - queue_head(after) >
		    mark.taken.records - queue_head(&progress.total))
			return false;
	}
	return true;
}

/* NULL, or what is wrong. */
static const char *fault(const struct queue_header *header, size_t size, const char *to)
{
	const __u32 capacity = header->capacity;

	if (memcmp(header->magic, QUEUE_MAGIC, sizeof(header->magic)))
		return "is not a queue of flows";
	if (header->layout != QUEUE_LAYOUT)
		return "is of another version of weir";
	if (!capacity || capacity & (capacity - 1) || capacity > EXPORT_QUEUE_MAX ||
	    size != queue_file_bytes(capacity) || !memchr(header->to, 0, sizeof(header->to)) ||
	    !memchr(header->part, 0, sizeof(header->part)) || !places_hold(header))
		return "is damaged";
	if (to && strcmp(header->to, to))
		return "is another exporter's";
	if (to && !batch_holds(header))
		return "is damaged";
	return NULL;
}

/* How many records waited in a file that cannot be used; -1: unknown. */
static long long waiting(const struct queue_header *header, size_t size)
{
	const struct queue_mark *mark = &header->mark.copy[header->mark.serial & 1];
	const char *copies = (const char *)header->progress.copy;
	size_t at = (header->progress.serial & 1) * header->progress_bytes;
	struct queue_totals totals;
	__u64 head;

	if (memcmp(header->magic, QUEUE_MAGIC, sizeof(header->magic)) ||
	    header->progress_bytes > QUEUE_HEADER_BYTES / 4 || size < QUEUE_HEADER_BYTES)
		return -1;
	memcpy(&totals, copies + at, sizeof(totals));
	head = queue_head(&totals);
	if (head > mark->taken.records || mark->taken.records - head > EXPORT_QUEUE_MAX)
		return -1;
	return mark->taken.records - head;
}

/* --- Making ------------------------------------------------------------------------------- */

/* An open, locked file of zeros of the right size under a temporary name. */
static int make_file(const char *path, __u32 capacity, char passing[PATH_MAX], struct why *why)
{
	int fd, err;

	if (snprintf(passing, PATH_MAX, "%s.new", path) >= PATH_MAX)
		return why_set(why, -ENAMETOOLONG, "%.512s: the name is too long", path);
	fd = open(passing, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return why_set(why, -errno, "%.512s: %s", passing, strerror(errno));
	err = flock(fd, LOCK_EX | LOCK_NB) ? errno : 0;
	if (!err)
		err = posix_fallocate(fd, 0, queue_file_bytes(capacity));
	if (!err)
		return fd;
	unlink(passing);
	close(fd);
	return why_set(why, -err, "%.512s: no room for a queue of %u records (%zu KiB): %s", path,
		       capacity, queue_file_bytes(capacity) >> 10, strerror(err));
}

static int map_file(struct queue *q, int fd, __u32 capacity, const char *path, struct why *why)
{
	void *mapping =
		mmap(NULL, queue_file_bytes(capacity), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (mapping == MAP_FAILED)
		return why_set(why, -errno, "%.512s: %s", path, strerror(errno));
	set_mapping(q, mapping, capacity, fd);
	return 0;
}

/* A new file at `path`, which takes over what `from` holds, unless that is NULL. */
static int replace_file(struct queue *q, const char *path, const char *to, __u32 capacity,
			const struct queue *from, struct why *why)
{
	char passing[PATH_MAX];
	int fd = make_file(path, capacity, passing, why), err;

	if (fd < 0)
		return fd;
	err = map_file(q, fd, capacity, passing, why);
	if (!err && from) {
		*q->header = *from->header;
		q->header->capacity = capacity;
		for (__u64 at = queue_head(&from->progress.total); at < from->staged.taken.records;
		     at++)
			q->ring[at & q->mask] = from->ring[at & from->mask];
	} else if (!err) {
		identify(q->header, to, capacity);
	}
	if (!err && rename(passing, path)) {
		err = why_set(why, -errno, "%.512s: %s", path, strerror(errno));
		munmap(q->header, q->bytes);
	}
	if (err) {
		unlink(passing);
		close(fd);
	}
	return err;
}

/* --- Adopting ----------------------------------------------------------------------------- */

/* Settles the batch that was under way, and publishes what the harvester committed. */
static void recover(struct queue *q, const struct queue_mark *recovered)
{
	struct queue_header *header = q->header;

	twin_read(&header->progress, &q->progress);
	queue_settle(header, &q->progress);
	header->batch.serial = 0;
	twin_read(&header->mark, &q->staged);
	if (!recovered || recovered->file != header->id ||
	    recovered->taken.records < q->staged.taken.records ||
	    recovered->taken.records - queue_head(&q->progress.total) > header->capacity)
		return;
	q->staged = *recovered;
	twin_write(&header->mark, recovered);
}

/* Gives the queue the size that is wanted, if its records fit. Without space for both files it keeps
 * the size that it has, with a warning. */
static void resize(struct queue *q, const char *path, __u32 capacity, struct why *why)
{
	struct queue sized = {0};

	if (q->mask + 1 == capacity ||
	    q->staged.taken.records - queue_head(&q->progress.total) > capacity ||
	    replace_file(&sized, path, NULL, capacity, q, why))
		return;
	munmap(q->header, q->bytes);
	close(q->fd);
	set_mapping(q, sized.header, capacity, sized.fd);
}

/* -EBADMSG: the file cannot be used; the reason includes how many records are lost. */
static int adopt(struct queue *q, int fd, const char *path, const char *to, struct why *why)
{
	struct stat st;
	struct queue_header header;
	const char *wrong;
	long long lost;
	ssize_t length = pread(fd, &header, sizeof(header), 0);

	if (length < 0 || fstat(fd, &st))
		return why_set(why, -errno, "%.512s: %s", path, strerror(errno));
	memset((char *)&header + length, 0, sizeof(header) - length);
	wrong = fault(&header, st.st_size, to);
	if (!wrong)
		return map_file(q, fd, header.capacity, path, why);
	lost = waiting(&header, st.st_size);
	if (lost < 0)
		return why_set(why, -EBADMSG, "%.512s %s: what waited in it is lost", path, wrong);
	return why_set(why, -EBADMSG, "%.512s %s: %lld records that waited in it are lost", path,
		       wrong, lost);
}

static int adopt_or_replace(struct queue *q, int fd, const char *path, const char *to,
			    __u32 capacity, const struct queue_mark *recovered, struct why *why)
{
	struct why trouble = {};
	int err;

	if (flock(fd, LOCK_EX | LOCK_NB))
		return errno == EWOULDBLOCK
			       ? why_set(why, -EBUSY, "%.512s: another process has it", path)
			       : why_set(why, -errno, "%.512s: %s", path, strerror(errno));
	err = adopt(q, fd, path, to, why);
	if (err == -EBADMSG) {
		err = replace_file(q, path, to, capacity, NULL, &trouble);
		if (err)
			*why = trouble;
		else
			close(fd);
		return err;
	}
	if (err)
		return err;
	recover(q, recovered);
	resize(q, path, capacity, why);
	return 0;
}

int queue_file_open(struct queue *q, const char *path, const char *to, __u32 capacity,
		    const struct queue_mark *recovered, struct why *why)
{
	int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW), err;

	if (fd < 0 && errno == ENOENT)
		err = replace_file(q, path, to, capacity, NULL, why);
	else if (fd < 0)
		err = why_set(why, -errno, "%.512s: %s", path, strerror(errno));
	else
		err = adopt_or_replace(q, fd, path, to, capacity, recovered, why);
	if (err && fd >= 0)
		close(fd);
	/* It does no harm if that is not allowed: the page was written to a moment before. */
	if (!err)
		mlock(q->header, QUEUE_HEADER_BYTES);
	return err;
}

/* --- Looking ------------------------------------------------------------------------------ */

static void view(const struct queue_header *header, struct queue_view *out)
{
	memcpy(out->to, header->to, sizeof(out->to));
	snapshot(header, &out->mark, &out->progress);
	twin_read(&header->status, &out->status);
	out->status.error[QUEUE_ERROR_BYTES - 1] = 0;
}

void queue_view(const struct queue *q, struct queue_view *out)
{
	view(q->header, out);
}

int queue_peek(const char *path, struct queue_view *out, struct why *why)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW), err = 0;
	void *mapping = MAP_FAILED;
	const char *wrong;
	struct stat st;

	if (fd < 0)
		return why_set(why, -errno, "%.512s: %s", path, strerror(errno));
	if (fstat(fd, &st))
		err = -errno;
	else if (st.st_size < (off_t)QUEUE_HEADER_BYTES)
		err = -EBADMSG;
	else
		mapping = mmap(NULL, QUEUE_HEADER_BYTES, PROT_READ, MAP_SHARED, fd, 0);
	if (!err && mapping == MAP_FAILED)
		err = -errno;
	close(fd);
	if (err)
		return why_set(why, err, "%.512s: %s", path,
			       err == -EBADMSG ? "is damaged" : strerror(-err));
	wrong = fault(mapping, st.st_size, NULL);
	if (wrong)
		err = why_set(why, -EBADMSG, "%.512s %s", path, wrong);
	else
		view(mapping, out);
	munmap(mapping, QUEUE_HEADER_BYTES);
	return err;
}
