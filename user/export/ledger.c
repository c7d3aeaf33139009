// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "export/ledger.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/twin.h"

#define LEDGER_MAGIC "weirledg"
#define LEDGER_LAYOUT 1

/* By slot: the incarnation that was taken there last, and what it counted when it was. */
struct taken {
	__u32 generation;
	__u32 turn; /* in which; low bits of the serial number */
	__u32 packets, packets_before;
	__u64 bytes, bytes_before; /* before: what it falls back to when the turn never was */
};

struct ledger_file {
	char magic[8]; /* written last */
	__u32 layout;
	__u32 slots;
	__u64 meter;
	TWIN(struct ledger_turn) turn;
	struct taken taken[];
};

struct ledger {
	struct ledger_file *file;
	size_t bytes;
};

static int refuse(struct why *why, int code, const char *path, const char *what)
{
	return why_set(why, code, "%.512s: %s: %s", path ? path : "memory", what, strerror(-code));
}

/* Stores before it are in the file before those after it, if a signal ends the process between. */
static void then(void)
{
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
}

static bool is_of(const struct ledger_file *file, __u64 meter, __u32 slots)
{
	return !memcmp(file->magic, LEDGER_MAGIC, sizeof(file->magic)) &&
	       file->layout == LEDGER_LAYOUT && file->slots == slots && file->meter == meter;
}

static void begin(struct ledger *l, __u64 meter, __u32 slots)
{
	memset(l->file->magic, 0, sizeof(l->file->magic));
	then();
	memset(l->file, 0, l->bytes);
	l->file->layout = LEDGER_LAYOUT;
	l->file->slots = slots;
	l->file->meter = meter;
	then();
	memcpy(l->file->magic, LEDGER_MAGIC, sizeof(l->file->magic));
}

/* Slots taken in a turn that was not committed. */
static void fall_back(struct ledger *l)
{
	__u32 never = l->file->turn.serial + 1;

	for (__u32 s = 0; s < l->file->slots; s++) {
		struct taken *t = &l->file->taken[s];

		if (t->turn != never)
			continue;
		t->packets = t->packets_before;
		t->bytes = t->bytes_before;
		then();
		t->turn = 0;
	}
}

static int map(struct ledger *l, const char *path, struct why *why)
{
	int fd = -1, code = 0;

	if (path) {
		fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
		if (fd < 0)
			return refuse(why, -errno, path, "cannot open it");
		/* Room for all of it now: none when a page is first written would be a signal. */
		if (ftruncate(fd, l->bytes))
			code = -errno;
		else
			code = -posix_fallocate(fd, 0, l->bytes);
		if (code) {
			close(fd);
			return refuse(why, code, path, "no room for the ledger");
		}
	}
	l->file = mmap(NULL, l->bytes, PROT_READ | PROT_WRITE,
		       path ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS, fd, 0);
	if (l->file == MAP_FAILED)
		code = refuse(why, -errno, path, "cannot map it");
	if (fd >= 0)
		close(fd);
	return code;
}

int ledger_open(const char *path, __u64 meter, __u32 slots, struct ledger **out, bool *known,
		struct why *why)
{
	struct ledger *l = calloc(1, sizeof(*l));
	int code;

	if (!l)
		return refuse(why, -ENOMEM, path, "ledger");
	l->bytes = sizeof(*l->file) + (size_t)slots * sizeof(struct taken);
	code = map(l, path, why);
	if (code) {
		free(l);
		return code;
	}
	*known = is_of(l->file, meter, slots);
	if (*known)
		fall_back(l);
	else
		begin(l, meter, slots);
	*out = l;
	return 0;
}

void ledger_close(struct ledger *l)
{
	if (!l)
		return;
	munmap(l->file, l->bytes);
	free(l);
}

void ledger_turn(const struct ledger *l, struct ledger_turn *out)
{
	twin_read(&l->file->turn, out);
}

bool ledger_take(struct ledger *l, __u32 slot, const struct weir_flow *flow, bool stays,
		 __u32 *packets, __u64 *bytes)
{
	__u32 turn = l->file->turn.serial + 1;
	struct taken *t = &l->file->taken[slot];
	bool again = t->generation == flow->generation;

	*packets = flow->packets - (again ? t->packets : 0);
	*bytes = flow->bytes - (again ? t->bytes : 0);
	if (!stays || !*packets)
		return *packets;
	if (t->turn != turn) {
		t->packets_before = again ? t->packets : 0;
		t->bytes_before = again ? t->bytes : 0;
		then();
		t->turn = turn;
		then();
	}
	t->generation = flow->generation;
	t->packets = flow->packets;
	t->bytes = flow->bytes;
	return true;
}

void ledger_commit(struct ledger *l, const struct ledger_turn *turn)
{
	twin_write(&l->file->turn, turn);
}
