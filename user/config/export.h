/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* One entry of the configuration's `export`: where flow records go, and how. */
#ifndef CONFIG_EXPORT_H
#define CONFIG_EXPORT_H

#include <linux/types.h>
#include <stdbool.h>

#include "net/url.h"

#define CONFIG_EXPORTS 8
#define CONFIG_EXPORT_MESSAGE_MIN 1024 /* all templates fit in one */
#define CONFIG_EXPORT_QUEUE_MIN (1u << 10)
#define CONFIG_EXPORT_QUEUE_MAX (1u << 22)

struct config_export {
	char *to;
	struct url url; /* `to`, taken apart */
	__u64 template_refresh_ns;
	__u64 options_refresh_ns; /* 0: once a session */
	__u64 rotate_ns;
	__u32 template_messages; /* templates again after as many messages, too */
	__u32 domain;
	__u32 message_bytes; /* 0: what the path or the file is best served with */
	__u32 queue;         /* records, a power of two */
	__u32 rotate_bytes;  /* 0: by time only */
	unsigned int biflow; /* 0 or 1 */
	char *ca, *cert, *key;
};

/* With the defaults. 0; -EINVAL and why; -ENOMEM. `out` is for config_export_free(). */
int config_export_make(const char *to, struct config_export *out, char why[URL_WHY_BYTES]);
void config_export_free(struct config_export *config);

#endif
