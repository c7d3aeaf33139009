/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Whose host numbers are: a number belongs to the first certificate that used it. */
#ifndef COORDINATE_OWNERS_H
#define COORDINATE_OWNERS_H

#include <linux/types.h>
#include <stdbool.h>

struct owner {
	__u32 host;
	char *subject;
};

/* All zero: nobody's yet. */
struct owners {
	struct owner *owner; /* by rising host */
	unsigned int count;
};

/* Whether the number is another's than this certificate's subject. */
bool owners_other(const struct owners *o, __u32 host, const char *subject);
/* It is this subject's from now on, unless it is somebody's; "" owns nothing. Without memory it
 * stays open to the next certificate of our CA. */
void owners_remember(struct owners *o, __u32 host, const char *subject);
void owners_free(struct owners *o);

#endif
