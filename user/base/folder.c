// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "base/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int folder_make_for(const char *path)
{
	char folder[PATH_MAX];

	for (const char *c = strchr(path + 1, '/'); c; c = strchr(c + 1, '/')) {
		snprintf(folder, sizeof(folder), "%.*s", (int)(c - path), path);
		if (mkdir(folder, 0755) && errno != EEXIST)
			return -errno;
	}
	return 0;
}

/* The nearest folder that is there. */
int folder_check_for(const char *path)
{
	char folder[PATH_MAX + 2];
	size_t length = strlen(path);

	if (length >= PATH_MAX)
		return -ENAMETOOLONG;
	do {
		while (length && path[length - 1] != '/')
			length--;
		/* "." behind it, for it is to be a folder. */
		snprintf(folder, sizeof(folder), "%.*s.", (int)length, path);
		if (!faccessat(AT_FDCWD, folder, W_OK | X_OK, AT_EACCESS))
			return 0;
		while (length && path[length - 1] == '/')
			length--;
	} while (errno == ENOENT && length);
	return -errno;
}
