// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Queue files in their folder, of any process. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "export/exporter_internal.h"

#define SUFFIX ".queue"

/* FNV-1a. */
static __u64 hash(const char *text)
{
	__u64 h = 0xcbf29ce484222325ull;

	for (; *text; text++)
		h = (h ^ (unsigned char)*text) * 0x100000001b3ull;
	return h;
}

void exporter_path(const char *folder, const char *to, char *out, size_t size)
{
	snprintf(out, size, "%s/%016llx" SUFFIX, folder, (unsigned long long)hash(to));
}

static struct queue_count minus(const struct queue_count *a, const struct queue_count *b,
				const struct queue_count *c)
{
	return (struct queue_count){
		.records = a->records - b->records - c->records,
		.packets = a->packets - b->packets - c->packets,
		.bytes = a->bytes - b->bytes - c->bytes,
	};
}

void exporter_state_of(const struct queue_view *view, struct exporter_state *out)
{
	const struct queue_totals *total = &view->progress.total;

	*out = (struct exporter_state){
		.phase = view->status.phase,
		.since_ns = view->status.since_ns,
		.messages = total->messages,
		.wire_bytes = total->wire_bytes,
		.sent = total->sent,
		.queued = minus(&view->mark.taken, &total->sent, &total->unencodable),
		.dropped = view->mark.dropped,
		.unencodable = total->unencodable,
		.resent = view->progress.resent,
		.errors = view->status.errors,
		.error_ns = view->status.error_ns,
	};
	memcpy(out->to, view->to, sizeof(out->to));
	memcpy(out->error, view->status.error, sizeof(out->error));
}

/* The next queue file of the folder; false: there are no more. */
static bool next_path(DIR *dir, const char *folder, char out[PATH_MAX])
{
	const struct dirent *entry;

	while ((entry = readdir(dir)) != NULL) {
		size_t length = strlen(entry->d_name);

		if (length == 16 + strlen(SUFFIX) && !strcmp(entry->d_name + 16, SUFFIX) &&
		    strspn(entry->d_name, "0123456789abcdef") == 16 &&
		    snprintf(out, PATH_MAX, "%s/%s", folder, entry->d_name) < PATH_MAX)
			return true;
	}
	return false;
}

int exporter_states(const char *folder,
		    void (*fn)(void *context, const struct exporter_state *state, const char *why),
		    void *context)
{
	DIR *dir = opendir(folder);
	char path[PATH_MAX];

	if (!dir)
		return -errno;
	while (next_path(dir, folder, path)) {
		struct why why = {};
		struct exporter_state state;
		struct queue_view view;

		if (queue_peek(path, &view, &why)) {
			fn(context, NULL, why.text);
			continue;
		}
		exporter_state_of(&view, &state);
		fn(context, &state, NULL);
	}
	closedir(dir);
	return 0;
}

static bool is_kept(const char *folder, const char *path, const struct export_options *keep,
		    unsigned int count)
{
	char kept[PATH_MAX];

	for (unsigned int i = 0; i < count; i++) {
		if (!keep[i].to)
			continue;
		exporter_path(folder, keep[i].to, kept, sizeof(kept));
		if (!strcmp(kept, path))
			return true;
	}
	return false;
}

static void remove_queue(const char *path, struct queue_count *lost)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct why why = {};
	struct exporter_state state;
	struct queue_view view;

	if (fd < 0)
		return;
	if (!flock(fd, LOCK_EX | LOCK_NB)) {
		if (!queue_peek(path, &view, &why)) {
			exporter_state_of(&view, &state);
			lost->records += state.queued.records;
			lost->packets += state.queued.packets;
			lost->bytes += state.queued.bytes;
		}
		unlink(path);
	}
	close(fd);
}

int exporter_forget(const char *folder, const struct export_options *keep, unsigned int count,
		    struct queue_count *lost)
{
	DIR *dir = opendir(folder);
	char path[PATH_MAX];

	if (!dir)
		return -errno;
	*lost = (struct queue_count){0};
	while (next_path(dir, folder, path)) {
		if (!is_kept(folder, path, keep, count))
			remove_queue(path, lost);
	}
	closedir(dir);
	return 0;
}
