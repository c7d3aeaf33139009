// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "agent/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static pid_t read_pid(int fd)
{
	char text[16] = "";

	if (pread(fd, text, sizeof(text) - 1, 0) <= 0)
		return 0;
	return strtol(text, NULL, 10);
}

int lock_take(pid_t *holder)
{
	int fd, code;

	if (mkdir(LOCK_DIR, 0755) && errno != EEXIST)
		return -errno;
	fd = open(LOCK_FILE, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB)) {
		code = -errno;
		*holder = read_pid(fd);
	} else if (ftruncate(fd, 0) || dprintf(fd, "%d\n", (int)getpid()) < 0) {
		code = -errno;
	} else {
		return fd;
	}
	close(fd);
	return code;
}

pid_t lock_holder(void)
{
	int fd = open(LOCK_FILE, O_RDONLY | O_CLOEXEC);
	pid_t pid = 0;

	if (fd < 0)
		return 0;
	if (flock(fd, LOCK_SH | LOCK_NB) && errno == EWOULDBLOCK)
		pid = read_pid(fd);
	close(fd);
	return pid;
}
