// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "base/streams.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

/* stdio does not keep the reason of a failed write, and the next one may have nothing to say. */
static int reason;

static ssize_t write_output(void *unused, const char *from, size_t bytes)
{
	size_t done = 0;

	(void)unused;
	while (done < bytes && !reason) {
		ssize_t wrote = write(STDOUT_FILENO, from + done, bytes - done);

		if (wrote < 0 && errno != EINTR)
			reason = errno;
		else if (wrote > 0)
			done += wrote;
	}
	return done;
}

void streams_open(void)
{
	FILE *out;

	signal(SIGPIPE, SIG_IGN);
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			open("/dev/null", fd == STDOUT_FILENO ? O_RDONLY : O_RDWR); /* it gets fd */
	out = fopencookie(NULL, "w", (cookie_io_functions_t){.write = write_output});
	if (!out)
		return; /* no memory: without the reason, then */
	if (isatty(STDOUT_FILENO))
		setvbuf(out, NULL, _IOLBF, 0);
	stdout = out;
}

int streams_close(int status)
{
	bool failed = fflush(stdout) || ferror(stdout);

	if (close(STDOUT_FILENO) && !failed) { /* where a file lies elsewhere, it may say so now */
		failed = true;
		reason = errno;
	}
	if (!failed)
		return status;
	log_err("standard output: %s", strerror(reason ? reason : EIO));
	return status ? status : 1;
}
