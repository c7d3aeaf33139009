// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "unit/export/queues.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

char queues_path[80];
static char folder[64];

int queues_make_folder(void **state)
{
	snprintf(folder, sizeof(folder), "/tmp/weir-test-queue-XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	snprintf(queues_path, sizeof(queues_path), "%s/q", folder);
	return 0;
}

int queues_remove_folder(void **state)
{
	unlink(queues_path);
	return rmdir(folder);
}

struct queue *queues_open(const struct queue_mark *recovered)
{
	struct why why = {};
	struct queue *q;

	if (queue_open(queues_path, QUEUES_TO, QUEUES_CAPACITY, recovered, &q, &why))
		fail_msg("%s", why.text);
	assert_string_equal(why.text, "");
	return q;
}

void queues_stage(struct queue *q, uint64_t from, uint64_t to)
{
	for (; from < to; from++) {
		struct flow_ended flow = flow_of(from);

		queue_stage(q, &flow);
	}
}
