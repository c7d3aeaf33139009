// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "cli/libexec.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "cli/options.h"

/* Where weir itself is; "" if that cannot be known. */
static void own_folder(char out[PATH_MAX])
{
	ssize_t length = readlink("/proc/self/exe", out, PATH_MAX - 1);
	char *slash;

	out[length > 0 ? length : 0] = 0;
	slash = strrchr(out, '/');
	if (slash)
		*slash = 0;
}

/* Returns if it cannot be run: false, it is not there; true, after a line that says why. */
static bool try(const char *folder, const char *below, char **argv)
{
	char path[2 * PATH_MAX];

	snprintf(path, sizeof(path), "%s/%slibexec/weir/%s", folder, below, argv[0]);
	execv(path, argv);
	if (errno == ENOENT || errno == ENOTDIR)
		return false;
	log_err("%s: %s", path, strerror(errno));
	return true;
}

int libexec_run(int argc, char **argv)
{
	char folder[PATH_MAX];

	(void)argc;
	own_folder(folder);
	if ((*folder && (try(folder, "", argv) || try(folder, "../", argv))) ||
	    try(WEIR_PREFIX, "", argv))
		return CLI_FAILED;
	log_err("weir %s is not installed: there is no " WEIR_PREFIX "/libexec/weir/%s", argv[0],
		argv[0]);
	return CLI_FAILED;
}
