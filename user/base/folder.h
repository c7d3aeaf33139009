/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BASE_FOLDER_H
#define BASE_FOLDER_H

/* Makes the folders that a file at `path` is to lie in, those that are missing. 0 or -errno. */
int folder_make_for(const char *path);

/* Whether that file could be made, with these folders, by us: 0 or -errno. Makes nothing. */
int folder_check_for(const char *path);

#endif
