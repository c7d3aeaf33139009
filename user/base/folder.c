// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "base/folder.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

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
