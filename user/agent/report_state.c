// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* How the uplink is, in a file that other processes read. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/folder.h"
#include "agent/report.h"
#include "base/twin.h"

#define STATE_MAGIC 0x77656972636f0001ull /* "weirco", and the layout's number */

struct report_state {
	__u64 magic;
	TWIN(struct uplink_status) status;
};

_Static_assert(sizeof(struct uplink_status) % 8 == 0, "whole words, for twin.h");

static struct report_state *map(int fd, int protection)
{
	void *at = mmap(NULL, sizeof(struct report_state), protection, MAP_SHARED, fd, 0);

	return at == MAP_FAILED ? NULL : at;
}

struct report_state *report_state_open(const char *path)
{
	struct report_state *state = NULL;
	int fd;

	/* A new file, so that nobody's mapping of an old one is cut. */
	if (folder_make_for(path) || (unlink(path) && errno != ENOENT))
		return NULL;
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0)
		return NULL;
	/* With its blocks: a mapping that has none kills who writes to it when the disk is full. */
	if (!posix_fallocate(fd, 0, sizeof(*state)))
		state = map(fd, PROT_READ | PROT_WRITE);
	close(fd);
	return state;
}

void report_state_write(struct report_state *state, const struct uplink_status *status)
{
	twin_write(&state->status, status);
	__atomic_store_n(&state->magic, STATE_MAGIC, __ATOMIC_RELEASE);
}

void report_state_close(struct report_state *state)
{
	if (state)
		munmap(state, sizeof(*state));
}

static void end_texts(struct uplink_status *status)
{
	status->address[sizeof(status->address) - 1] = 0;
	status->name[sizeof(status->name) - 1] = 0;
	status->why[sizeof(status->why) - 1] = 0;
	if (status->phase >= UPLINK_PHASES)
		status->phase = UPLINK_DOWN;
	if (status->method >= INTERVAL_METHODS)
		status->method = INTERVAL_AUTO;
}

int report_state_read(const char *path, struct uplink_status *out)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), code = -EBADMSG;
	struct report_state *state;
	struct stat about;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &about) || about.st_size != sizeof(*state))
		goto out;
	state = map(fd, PROT_READ);
	if (!state) {
		code = -errno;
		goto out;
	}
	if (__atomic_load_n(&state->magic, __ATOMIC_ACQUIRE) == STATE_MAGIC) {
		twin_read(&state->status, out);
		end_texts(out);
		code = 0;
	}
	report_state_close(state);
out:
	close(fd);
	return code;
}
