/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * One agent at a time: a lock on a file that the kernel lets go when the agent dies, however that
 * happens. In a directory of its own, because that is what weir.service may write to in /run.
 */
#ifndef AGENT_LOCK_H
#define AGENT_LOCK_H

#include <sys/types.h>

#define LOCK_DIR "/run/weir"
#define LOCK_FILE LOCK_DIR "/lock"

/* A descriptor to keep; -EWOULDBLOCK and *holder (0 if unknown): another has it. */
int lock_take(pid_t *holder);
/* Who has it; 0: nobody. */
pid_t lock_holder(void);

#endif
